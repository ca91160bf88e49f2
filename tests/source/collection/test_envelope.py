"""Batches are taken apart, by either way, into the bytes that were written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.collection.checks.envelope import _patiently, messages_of
from exporter.source.collection.checks.json_text import NoJson

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text() | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.lists(VALUES), st.dictionaries(st.text(), VALUES), st.sampled_from([None, 2]), st.booleans())
def test_both_ways_find_the_same(messages: list[Any], around: dict[str, Any], indent: int | None, raw: bool) -> None:
    around.pop("messages", None)
    texts = [json.dumps(message, ensure_ascii=raw) for message in messages]
    before = json.dumps(around, indent=indent, ensure_ascii=raw)[1:-1]
    text = f' {{{before}{"," if around else ""} "messages" : [{" , ".join(texts)}]}} '
    expected = [each.encode() for each in texts]
    assert _patiently(text) == expected
    assert messages_of(text.encode()) == expected


@given(st.text(alphabet='{}[]",:\\u d8001messages\n') | st.text())
def test_both_ways_refuse_the_same(text: str) -> None:
    slow, fast = _patiently(text), messages_of(text.encode("utf-8", "surrogatepass"))
    assert isinstance(slow, NoJson) == isinstance(fast, NoJson)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"messages":["\\ud83d", {"a":1}]}', [b'"\\ud83d"', b'{"a":1}']),
        (b'{"x":"\\ud83d","messages":[1]}', [b"1"]),
        (b'{"messages":["\\ud83d"],"messages":1}', None),
        (b'{"messages":["\\ud83d",]}', None),
        (b'{"messages":["\\ud83d"]} x', None),
        (b'{"messages":["\\ud83d" 1]}', None),
        (b'["\\ud83d"]', None),
        (b'{"messages":["\\ud83d"', None),
        (b'{"messages":["\\ud83d",%b]}' % (b"[" * 100_000), None),
    ],
)
def test_half_an_emoji_harms_its_own_message_alone(text: bytes, found: list[bytes] | None) -> None:
    result = messages_of(text)
    assert isinstance(result, NoJson) if found is None else result == found


@pytest.mark.parametrize(
    "text",
    [
        b'{"messages": [{"id": "a"}], "messages": [{"id": "b"}]}',
        b'{"messages": [1], "n": 1, "messages": [{"messages": []}]}',
        b'{"messages": ["\\ud800"], "messages": []}',
    ],
)
def test_a_batch_with_two_lists_is_refused_and_loses_none(text: bytes) -> None:
    assert messages_of(text) == NoJson("The batch has `messages` twice")


def test_messages_may_have_the_name_of_their_list() -> None:
    assert messages_of(b'{"n": "messages", "messages": [{"messages": 1, "b": {"messages": 2}}]}') == [
        b'{"messages": 1, "b": {"messages": 2}}'
    ]
