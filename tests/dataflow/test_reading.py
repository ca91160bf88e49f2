"""Reading an event once for several dataflows."""

from __future__ import annotations

import pytest
from flowing import event

from exporter.dataflow.reading import GENERATION, Read, SharedReading, read_alone
from exporter.messages.message import Message
from exporter.profile.event.change import Change
from exporter.profile.malformed import Malformed


def message(position: int, body: bytes) -> Message:
    return Message("0", position, body, 0.0)


def test_the_same_message_is_read_once() -> None:
    reading = SharedReading(1 << 20)
    first = message(1, event(1))

    assert isinstance(reading(first), Change)
    assert reading(first) is reading(first)


def test_another_message_at_the_same_place_is_another_event() -> None:
    reading = SharedReading(1 << 20)

    assert isinstance(reading(message(1, event(1))), Change)
    assert isinstance(reading(message(1, b"{")), Malformed)


def test_what_is_remembered_is_bounded() -> None:
    reading = SharedReading(1 << 20)
    messages = [message(n, event(n)) for n in range(3 * GENERATION)]
    first = reading(messages[0])
    for each in messages:
        reading(each)

    assert len(reading._young) + len(reading._old) <= 2 * GENERATION
    assert reading(messages[0]) is not first


def test_the_limit_is_the_configured_one() -> None:
    assert isinstance(SharedReading(10)(message(1, event(1))), Malformed)


@pytest.mark.parametrize("reading", [read_alone(1 << 20), SharedReading(1 << 20)])
def test_what_holds_no_event_is_malformed_for_the_reason_that_the_queue_gives(reading: Read) -> None:
    without = Message("0", 1, b"", 0.0, fault="has no field `event`, only 2 others")

    assert str(reading(without)) == "entry: has no field `event`, only 2 others"
