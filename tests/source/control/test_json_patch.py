"""JSON Patch: what the operations come to, and that nothing that a client may send raises."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.control.json_patch import Operation, operations_of, patched

DOCUMENT: dict[str, Any] = {"name": "a", "auth": {"params": {"dataType": "raw"}}, "list": [1, 2], "a/b": 1, "m~n": 2}
MOST = 1000


def after(*operations: Any, document: dict[str, Any] = DOCUMENT, most: int = MOST) -> dict[str, Any] | str:
    found = operations_of(list(operations))
    return found if isinstance(found, str) else patched(document, found)


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "replace", "path": "/name", "value": "b"}, {"name": "b"}),
        ({"op": "Replace", "path": "/name", "value": None}, {"name": None}),
        ({"op": "ADD", "path": "/new", "value": {"x": 1}}, {"new": {"x": 1}}),
        ({"op": "add", "path": "/name", "value": 3}, {"name": 3}),
        (
            {"op": "add", "path": "/auth/params/name", "value": "n"},
            {"auth": {"params": {"dataType": "raw", "name": "n"}}},
        ),
        ({"op": "remove", "path": "/auth/params/dataType", "value": "ignored"}, {"auth": {"params": {}}}),
        ({"op": "add", "path": "/list/-", "value": 3}, {"list": [1, 2, 3]}),
        ({"op": "add", "path": "/list/0", "value": 0}, {"list": [0, 1, 2]}),
        ({"op": "add", "path": "/list/2", "value": 3}, {"list": [1, 2, 3]}),
        ({"op": "replace", "path": "/list/1", "value": 9}, {"list": [1, 9]}),
        ({"op": "remove", "path": "/list/0"}, {"list": [2]}),
        ({"op": "replace", "path": "/a~1b", "value": 5}, {"a/b": 5}),
        ({"op": "replace", "path": "/m~0n", "value": 5}, {"m~n": 5}),
        ({"op": "add", "path": "/", "value": 5}, {"": 5}),
    ],
)
def test_what_an_operation_comes_to(operation: Any, changed: dict[str, Any]) -> None:
    assert after(operation) == {**DOCUMENT, **changed}


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ({"op": "add"}, "A patch is an array of operations, one at least"),
        ([], "A patch is an array of operations, one at least"),
        (None, "A patch is an array of operations, one at least"),
        ([1], "Operation 0: should be an object"),
        ([{"op": "move", "from": "/a", "path": "/b"}], "Operation 0: op should be one of add, replace, remove"),
        ([{"op": 1, "path": "/b"}], "Operation 0: op should be one of add, replace, remove"),
        ([{"op": "add", "path": "name", "value": 1}], "path should be a JSON Pointer to something in the document"),
        ([{"op": "add", "path": "", "value": {}}], "path should be a JSON Pointer to something in the document"),
        ([{"op": "add", "path": "/a~2", "value": 1}], "path should be a JSON Pointer to something in the document"),
        ([{"op": "add", "path": "/a" * 65, "value": 1}], "path has more than 64 steps"),
        ([{"op": "add", "path": "/a"}], "there should be a value"),
        ([{"op": "replace", "path": "/x", "value": 1}], 'replace /x: missing field "x"'),
        ([{"op": "remove", "path": "/x~1y"}], 'remove /x~1y: missing field "x/y"'),
        ([{"op": "add", "path": "/x/y", "value": 1}], 'add /x/y: there is no "x"'),
        ([{"op": "add", "path": "/name/y", "value": 1}], 'add /name/y: nothing can stand at "y"'),
        ([{"op": "add", "path": "/list/3", "value": 1}], 'there is no place "3" in the array'),
        ([{"op": "replace", "path": "/list/2", "value": 1}], 'there is no place "2" in the array'),
        ([{"op": "replace", "path": "/list/-", "value": 1}], 'there is no place "-" in the array'),
        ([{"op": "replace", "path": "/list/01", "value": 1}], 'there is no place "01" in the array'),
        ([{"op": "replace", "path": "/list/١", "value": 1}], 'there is no place "١" in the array'),
    ],
)
def test_why_a_patch_is_refused(operations: Any, reason: str) -> None:
    found = operations_of(operations)
    refused = found if isinstance(found, str) else patched(DOCUMENT, found)
    assert isinstance(refused, str)
    assert reason in refused


def test_neither_the_document_nor_a_value_is_changed_by_it() -> None:
    value: dict[str, Any] = {}
    document: dict[str, Any] = {"a": {"b": 1}}
    operations = (Operation("add", ("new",), value), Operation("add", ("new", "x"), 1), Operation("remove", ("a", "b")))
    assert patched(document, operations) == {"a": {}, "new": {"x": 1}}
    assert (document, value) == ({"a": {"b": 1}}, {})


def test_no_series_of_patches_grows_deeper_than_a_body_may_be() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"a": deep}
    once = after({"op": "add", "path": "/a", "value": deep})
    assert isinstance(once, dict)
    assert (
        after({"op": "add", "path": "/a" * 10, "value": deep}, document=once)
        == "What comes of it has more than 64 levels"
    )


numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
keys = st.sampled_from(["a", "b", "0", "-", "~", "/"])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
steps = st.sampled_from(["a", "b", "0", "1", "-", "~0", "~1", "~", ""])
pointers = st.lists(steps.map("/{}".format), max_size=5).map("".join)
operations = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "Replace", "remove", "move"]) | json_values,
        "path": pointers | json_values,
        "value": json_values,
    },
)


@given(st.dictionaries(st.sampled_from("ab"), json_values), st.lists(operations, min_size=1, max_size=6) | json_values)
def test_any_patch_of_any_document_comes_to_a_document_or_a_reason(document: dict[str, Any], given: Any) -> None:
    before = orjson.dumps(document)
    found = operations_of(given)
    result = found if isinstance(found, str) else patched(document, found)
    assert isinstance(result, str) or len(orjson.dumps(result)) <= MOST
    assert orjson.dumps(document) == before
