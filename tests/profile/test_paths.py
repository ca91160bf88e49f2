"""Paths as text, as steps and as the tree of a mapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.profile.paths import format_path, mapping_problem, parse_path, touches, tree


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("person.name.firstName", ("person", "name", "firstName")),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\\.b", ("a\\", "b")),
        (r"a\\\.b", ("a\\.b",)),
        (r"a\n.b", ("a\\n", "b")),
        ("a\\", ("a\\",)),
        ("", ("",)),
        ("a..b", ("a", "", "b")),
        (".", ("", "")),
    ],
)
def test_a_text_names_its_steps(text: str, path: tuple[str, ...]) -> None:
    assert parse_path(text) == path


@given(st.lists(st.text(alphabet="ab.\\é"), min_size=1).map(tuple))
def test_what_is_formatted_is_parsed_back(path: tuple[str, ...]) -> None:
    assert parse_path(format_path(path)) == path


@given(st.text(alphabet="ab.\\"))
def test_any_text_is_a_path(text: str) -> None:
    assert len(parse_path(text)) >= 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("person.name", None),
        (r"loyalty.a\.b", None),
        (r"a\\", None),
        ("person.segmentMembership", None),
        (r"identityMap\.x", None),
        ("segmentMemberships", None),
        ("", "is empty"),
        ("a.", "has an empty step"),
        (".a", "has an empty step"),
        ("a..b", "has an empty step"),
        ("a\\", "ends in a backslash that escapes nothing"),
        (r"a\\" + "\\", "ends in a backslash that escapes nothing"),
        (".".join("a" * 201), "has more than 200 steps"),
        ("identityMap", "stands under identityMap, which is sent as a part of its own"),
        ("identityMap.ecid", "stands under identityMap, which is sent as a part of its own"),
        ("segmentMembership.ups.x", "stands under segmentMembership, which is sent as a part of its own"),
    ],
)
def test_a_path_that_cannot_be_mapped_says_why(text: str, problem: str | None) -> None:
    assert mapping_problem(text) == problem


def test_a_tree_keeps_the_order_of_first_appearance_and_collapses_to_the_ancestor() -> None:
    paths = [("b", "x", "y"), ("a",), ("b", "z"), ("b", "x"), ("a", "q"), ("c",)]
    found = tree(paths)
    assert found == {"b": {"x": None, "z": None}, "a": None, "c": None}
    assert list(found) == ["b", "a", "c"]


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple)


@given(st.lists(PATHS), PATHS)
def test_a_path_touches_a_tree_where_one_begins_with_the_other(
    mapped: list[tuple[str, ...]], path: tuple[str, ...]
) -> None:
    expected = any(path[: len(one)] == one[: len(path)] for one in mapped)
    assert touches(tree(mapped), path) == expected
