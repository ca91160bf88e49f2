"""A fragment after writes: which values stand, in whatever order the writes came."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.profiles.merge.fragment import Fragment
from exporter.source.profiles.merge.leaves import Paths, nested
from exporter.source.profiles.merge.stamps import Stamp, newer
from exporter.source.profiles.merge.writing import written
from exporter.source.records import ArrayUpsert, Operation, UpsertKind

CREATE, MERGE, DELETE = Operation.CREATE, Operation.MERGE, Operation.DELETE
Write = tuple[Operation, int, dict[str, Any]]


def stamp(at: int) -> Stamp:
    return at, f"{at}:1:0"


def after(*writes: Write) -> dict[str, Any]:
    """The entity of a fragment after ``writes``, in this order."""
    fragment: Fragment | None = None
    paths = Paths()
    for operation, at, entity in writes:
        said = paths.flattened(entity)
        assert said is not None
        fragment, _ = written(fragment, "crm", ("email", "a"), stamp(at), operation, said)
    assert fragment is not None
    return nested(fragment.leaves)


def append(*items: Any) -> ArrayUpsert:
    return ArrayUpsert(UpsertKind.APPEND, items)


def replace(*items: Any) -> ArrayUpsert:
    return ArrayUpsert(UpsertKind.REPLACE, items)


@pytest.mark.parametrize(
    ("writes", "left"),
    [
        pytest.param([(CREATE, 1, {"a": 1, "b": 2}), (CREATE, 2, {"b": 3})], {"b": 3}, id="create replaces"),
        pytest.param([(CREATE, 1, {"a": 1, "b": 2}), (MERGE, 2, {"b": 3})], {"a": 1, "b": 3}, id="merge adds"),
        pytest.param(
            [(CREATE, 1, {"a": {"x": 1, "y": 2}}), (MERGE, 2, {"a": {"x": None}})], {"a": {"y": 2}}, id="null"
        ),
        pytest.param([(CREATE, 1, {"a": {"x": 1}}), (MERGE, 2, {"a": {"x": None}})], {}, id="no empty object is left"),
        pytest.param([(CREATE, 1, {"a": {"x": 1, "y": 1}}), (MERGE, 2, {"a": None})], {}, id="null for an object"),
        pytest.param([(CREATE, 1, {"a": None, "b": {}})], {}, id="nothing was said"),
        pytest.param([(CREATE, 1, {"a": 1}), (DELETE, 2, {})], {}, id="delete"),
        pytest.param([(CREATE, 3, {"a": 3}), (CREATE, 2, {"a": 2, "b": 2})], {"a": 3}, id="an older create"),
        pytest.param(
            [(MERGE, 3, {"a": 3}), (CREATE, 2, {"a": 2, "b": 2})], {"a": 3, "b": 2}, id="create below a merge"
        ),
        pytest.param([(CREATE, 1, {"a": 1}), (MERGE, 3, {"a": None}), (MERGE, 2, {"a": 2})], {}, id="removed since"),
        pytest.param([(CREATE, 1, {"a": 1}), (DELETE, 3, {}), (MERGE, 2, {"a": 2})], {}, id="deleted since"),
        pytest.param([(CREATE, 1, {"a": 1}), (MERGE, 3, {"a": 3}), (DELETE, 2, {})], {"a": 3}, id="written since"),
        pytest.param([(CREATE, 1, {"a": 1}), (MERGE, 2, {"a": {"x": 2}})], {"a": {"x": 2}}, id="an object for a value"),
        pytest.param([(CREATE, 1, {"a": {"x": 1}}), (MERGE, 2, {"a": 2})], {"a": 2}, id="a value for an object"),
        pytest.param([(MERGE, 2, {"a": {"x": None}}), (CREATE, 1, {"a": [1]})], {}, id="a removal below, since"),
        pytest.param([(CREATE, 1, {"a.b": {"c\\": 1}})], {"a.b": {"c\\": 1}}, id="dots in keys"),
        pytest.param([(CREATE, 1, {"": {"": 1, "a": 2}, "b": 3})], {"": {"": 1, "a": 2}, "b": 3}, id="empty keys"),
        pytest.param([(CREATE, 1, {"a": [1, {"b": None}]})], {"a": [1, {"b": None}]}, id="an array is a leaf"),
        pytest.param([(CREATE, 1, {"a": append(1)})], {"a": [1]}, id="append to nothing"),
        pytest.param([(CREATE, 1, {"a": [1]}), (MERGE, 2, {"a": append(2, 3)})], {"a": [1, 2, 3]}, id="append"),
        pytest.param([(CREATE, 1, {"a": [1]}), (MERGE, 2, {"a": replace(2)})], {"a": [2]}, id="replace"),
        pytest.param([(CREATE, 1, {"a": "x"}), (MERGE, 2, {"a": append(2)})], {"a": [2]}, id="append to no array"),
        pytest.param(
            [(CREATE, 1, {"a": [1]}), (MERGE, 2, {"a": append(2)}), (MERGE, 2, {"a": append(2)})],
            {"a": [1, 2]},
            id="the same append again",
        ),
        pytest.param([(CREATE, 2, {"a": [1]}), (MERGE, 1, {"a": append(2)})], {"a": [1]}, id="an older append"),
    ],
)
def test_what_is_left(writes: list[Write], left: dict[str, Any]) -> None:
    assert after(*writes) == left


VALUES: st.SearchStrategy[Any] = st.one_of(st.integers(0, 3), st.none(), st.just({}), st.just([1]))
ENTITIES = st.dictionaries(
    st.sampled_from(["a", "b", "."]),
    st.one_of(VALUES, st.dictionaries(st.sampled_from("xy"), st.one_of(VALUES, st.just({"z": 1})), max_size=2)),
    max_size=3,
)
WRITES = st.lists(st.tuples(st.sampled_from(Operation), ENTITIES), min_size=1, max_size=4)


@given(WRITES)
def test_the_order_in_which_writes_come_does_not_matter(said: list[tuple[Operation, dict[str, Any]]]) -> None:
    writes = [(operation, at, entity) for at, (operation, entity) in enumerate(said)]
    in_order = after(*writes)
    for order in permutations(writes):
        assert after(*order) == in_order


@given(WRITES, st.data())
def test_a_replay_changes_nothing(said: list[tuple[Operation, dict[str, Any]]], data: st.DataObject) -> None:
    writes = [(operation, at, entity) for at, (operation, entity) in enumerate(said)]
    assert after(*writes, data.draw(st.sampled_from(writes))) == after(*writes)


@given(WRITES)
def test_in_order_it_is_what_plain_objects_would_be(said: list[tuple[Operation, dict[str, Any]]]) -> None:
    plain: dict[str, Any] = {}
    for operation, entity in said:
        plain = _said(plain if operation is MERGE else {}, {} if operation is DELETE else entity)
    assert after(*((operation, at, entity) for at, (operation, entity) in enumerate(said))) == plain


def _said(before: Any, entity: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396, where an empty object says nothing, and none is left."""
    found = dict(before) if isinstance(before, dict) else {}
    for key, value in entity.items():
        if value is None:
            found.pop(key, None)
        elif not isinstance(value, dict):
            found[key] = value
        elif _speaks(value):
            found[key] = _said(found.get(key), value)
            if not found[key]:
                del found[key]
    return found


def _speaks(entity: Any) -> bool:
    return not isinstance(entity, dict) or any(_speaks(value) for value in entity.values())


@pytest.mark.parametrize(
    ("older", "later"),
    [
        ((1, "1:1:1"), (2, "1:1:0")),
        ((1, "1:1:9"), (1, "1:1:10")),
        ((1, "1:1:9:2"), (1, "1:1:9:10")),
        ((1, "1:1:9"), (1, "1:1:9:0")),
        ((1, "1:009:9"), (1, "1:10:0")),
        ((1, "1:1:9"), (1, "1:1:x")),
    ],
)
def test_within_a_millisecond_the_names_of_records_say_which_is_newer(older: Stamp, later: Stamp) -> None:
    assert newer(later, older)
    assert not newer(older, later)
    assert not newer(older, older)


def test_objects_deeper_than_an_event_may_be_are_refused() -> None:
    entity: dict[str, Any] = {"a": 1}
    for _ in range(300):
        entity = {"a": entity}
    assert Paths().flattened(entity) is None
