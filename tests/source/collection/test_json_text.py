"""Bounds of JSON: depth and whole numbers, against a decoder that has none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.source.collection.checks.json_text import TOO_BIG, TOO_DEEP, UNREADABLE, NoJson, decoded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", NoJson(TOO_BIG)),
        (b"-9223372036854775809", NoJson(TOO_BIG)),
        (b"[1, 123456789012345678901234567890]", NoJson(TOO_BIG)),
        (b"9" * 5000, NoJson(TOO_BIG)),
        (b"12345678901234567890.5", 12345678901234567890.5),
        (b"1234567890123456789012e3", 1234567890123456789012e3),
        (b'"123456789012345678901234"', "123456789012345678901234"),
        (b'"\\"123456789012345678901234"', '"123456789012345678901234'),
        (b'"\\\\",123456789012345678901234', NoJson(TOO_BIG)),
        (b'{"123456789012345678901234":0.1234567890123456789}', {"123456789012345678901234": 0.12345678901234568}),
        (b"NaN", NoJson(UNREADABLE)),
        (b"Infinity", NoJson(UNREADABLE)),
        (b"1e999", NoJson(UNREADABLE)),
        (b"01", NoJson(UNREADABLE)),
        (b'"\xff"', NoJson(UNREADABLE)),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"", NoJson(UNREADABLE)),
        (b"\xef\xbb\xbf{}", NoJson(UNREADABLE)),
        (b"[" * 65 + b"]" * 65, NoJson(TOO_DEEP)),
        (b'{"a":[' * 32 + b"]}" * 32, None),
        (b"[" * 100_000, NoJson(UNREADABLE)),
        (b'["%b"]' % (b"[" * 100), ["[" * 100]),
        (b'["\\"%b"]' % (b"[" * 100), ['"' + "[" * 100]),
        (b"[%b]" % b",".join([b"[]"] * 100), [[]] * 100),
    ],
)
def test_bounds(text: bytes, found: object) -> None:
    result = decoded(text)
    if found is None:
        assert not isinstance(result, NoJson)
    else:
        assert result == found


def _depth(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
        case _:
            return 0


def _big(value: object) -> bool:
    match value:
        case dict():
            return any(map(_big, value.values()))
        case list():
            return any(map(_big, value))
        case int():
            return not -(2**63) <= value < 2**64
        case _:
            return False


LEAVES = (
    st.none() | st.integers() | st.integers(2**62, 2**65) | st.text(alphabet='"\\[]{}0123456789a') | st.floats(-9, 9)
)
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='"\\[]{}1'), inner)
)


@given(TREES, st.integers(0, 70))
@example("x", 64)
@example("x", 65)
def test_as_a_look_at_the_whole_tree_says(tree: object, wrapped: int) -> None:
    for _ in range(wrapped):
        tree = [tree] if wrapped % 2 else {"a": tree}
    found = decoded(json.dumps(tree, ensure_ascii=False).encode())
    if _depth(tree) > 64:
        assert found == NoJson(TOO_DEEP)
    elif _big(tree):
        assert found == NoJson(TOO_BIG)
    else:
        assert found == tree
