"""Bounds of JSON: depth and whole numbers, against a decoder that has none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.source.collection.checks.envelope import messages_of
from exporter.source.collection.checks.json_text import (
    TOO_BIG,
    TOO_DEEP,
    TOO_GREAT,
    UNREADABLE,
    NoJson,
    are_headless,
    decoded,
    is_headless,
)


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
        (b"1e999", NoJson(TOO_GREAT)),
        (b'{"d":-1.5E+400,"t":1}', NoJson(TOO_GREAT)),
        (b'{"d":"1e400",}', NoJson(UNREADABLE)),
        (b'{"d":1e-400}', {"d": 0.0}),
        (b"01e400", NoJson(UNREADABLE)),
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


@given(
    st.dictionaries(st.sampled_from(["header", "body", "a", "b"]), TREES),
    st.booleans(),
    st.lists(
        st.tuples(st.integers(0), st.sampled_from([b"", b'"', b"\\", b"{", b"]", b"\xff", b"0", b"\\ud800", b"e999"]))
    ),
)
def test_the_quick_look_is_never_wrong(
    tree: dict[str, Any], ascii_only: bool, changes: list[tuple[int, bytes]]
) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only).encode()
    for at, put in changes:
        place = at % (len(text) + 1)
        text = text[:place] + put + text[place + 1 :]
    if is_headless(text):
        found = decoded(text)
        assert isinstance(found, dict)
        assert found.keys().isdisjoint({"header", "body"})
    batch = b'{"x":1,"messages":[%b,{"more":1}]}' % text
    messages = messages_of(batch)
    if not isinstance(messages, NoJson) and are_headless(batch, messages):
        # A change may have made one message two, or none.
        assert all(is_headless(message) for message in messages)


@pytest.mark.parametrize(
    "text", [b"{}", b'{"a":[1.5e3,-2E+10,"header",{"header":1}],"\xc3\xa4":"e999"}', b' {"a":123456789012345678} ']
)
def test_the_quick_look_is_quick_for_what_is_common(text: bytes) -> None:
    assert is_headless(text)
    assert are_headless(b'{"messages":[%b , %b]}' % (text, text), [text, text])


SEEN = [
    b'{"a":1e999}',
    b'{"a":1E+999}',
    b'{"a":"\xff"}',
    b'{"a":"\\ud800"}',
    b'{"a":18446744073709551616}',
    b'{"a":NaN}',
]
BROKEN = [b"[]", b"1", b"", b"{} x", b"\xef\xbb\xbf{}", b'{"a":01}', b'{"a":1.}', b'{"a":"\t"}', b'{"a":1,}']


@pytest.mark.parametrize(
    "text", [*SEEN, *BROKEN, b'{"h\\u0065ader":1}', b'{"body":1}', b'{"a":' * 65 + b"1" + b"}" * 65]
)
def test_the_quick_look_sees(text: bytes) -> None:
    assert not is_headless(text)
    batch = b'{"messages":[{},%b]}' % text
    messages = messages_of(batch)
    assert isinstance(messages, NoJson) or not are_headless(batch, messages)
