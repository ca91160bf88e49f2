"""Where an event names its trace; whether it is one, is judged where it is continued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from profile_given import MIB

from exporter.messages.trace import Trace
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.event.trace import traces_in

EVENT: dict[str, Any] = {"profileId": "p", "profile": {}}


def found(event: dict[str, Any]) -> list[Trace]:
    return list(traces_in(json.dumps(event).encode()))


def test_an_event_names_it_in_a_field_of_its_own() -> None:
    assert found(EVENT) == []
    assert found({**EVENT, "traceparent": "00-a-b-01"}) == [Trace("00-a-b-01")]
    assert found({**EVENT, "traceparent": "00-a-b-01", "tracestate": "x=1"}) == [Trace("00-a-b-01", "x=1")]
    assert found({**EVENT, "tracestate": "x=1"}) == []
    assert found({**EVENT, "profile": {"traceparent": "00-a-b-01"}}) == []


def test_an_envelope_names_it_in_an_extension_and_its_data_comes_first() -> None:
    envelope = {
        "specversion": "1.0",
        "id": "e",
        "source": "s",
        "type": "t",
        "traceparent": "outer",
        "tracestate": "o=1",
    }
    assert found({**envelope, "data": EVENT}) == [Trace("outer", "o=1")]
    both = {**envelope, "data": {**EVENT, "traceparent": "inner"}}
    assert found(both) == [Trace("inner"), Trace("outer", "o=1")]
    assert found({**EVENT, "traceparent": "own", "data": {"traceparent": "no envelope"}}) == [Trace("own")]


@pytest.mark.parametrize("wrong", [None, 5, True, "", [], ["00-a-b-01"], {"a": 1}])
def test_a_wrong_type_costs_the_trace_and_not_the_event(wrong: object) -> None:
    assert found({**EVENT, "traceparent": wrong}) == []
    assert found({**EVENT, "traceparent": "00-a-b-01", "tracestate": wrong}) == [Trace("00-a-b-01")]
    assert isinstance(read(json.dumps({**EVENT, "traceparent": wrong}).encode(), MIB), Change)


def test_half_an_emoji_elsewhere_costs_nothing() -> None:
    body = b'{"profileId":"p","profile":{"a":"\\ud83d"},"traceparent":"00-a-b-01"}'
    assert isinstance(read(body, MIB), Change)
    assert list(traces_in(body)) == [Trace("00-a-b-01")]


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b'{"specversion":"1.0","data":5}', b'{"specversion":"1.0"}'])
def test_what_is_no_event_has_none(body: bytes) -> None:
    assert list(traces_in(body)) == []
