"""Numbered publishing on a real NATS: what the look back finds where the servers' own duplicate window is short."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from contract import Opening, all_of, each_once_in_order, events, from_number, soon
from nats.js.api import StreamConfig
from nats_broker import Broker
from numbered_kills import every_number_once

from exporter.queues.jetstream.publish import Publisher, subject_of
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import EventTooLarge, Outgoing, Queue, QueueUnavailable

_WINDOW_SECONDS = 0.1


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("nats"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
async def stream(broker: Broker) -> str:
    """A stream in which the servers recognise a message for a moment only."""
    name = f"s-{uuid4().hex}"
    await broker.answers()
    client = await nats.connect(broker.url)
    config = StreamConfig(name=name, subjects=[f"{name}.*"], duplicate_window=_WINDOW_SECONDS, max_msg_size=2000)
    await client.jetstream().add_stream(config)
    await client.close()
    return name


@pytest.fixture
def opening(broker: Broker, stream: str) -> Opening:
    return partial(open_queue, NatsSettings(kind="nats", url=broker.url, stream=stream), (), pytest.fail)


async def put(broker: Broker, stream: str, *numbers: int) -> None:
    """What a producer of numbered events that is no more has left on the stream, of the events of seven profiles."""
    client = await nats.connect(broker.url)
    for number in numbers:
        [event] = events(1, 7, begin=number - 1)
        headers = {"Nats-Msg-Id": f"outbox:{number}"}
        await client.jetstream().publish(subject_of(stream, event.key), event.body, headers=headers)
    await client.close()
    await asyncio.sleep(2 * _WINDOW_SECONDS)


async def test_what_a_producer_has_left_is_left_out_however_the_calls_are_cut(
    broker: Broker, stream: str, queue: Queue
) -> None:
    await queue.publish(events(1200, 50, begin=1000))  # of others, more than one request brings
    await put(broker, stream, 1, 2, 4, 15, 22)
    await queue.publish(events(1, begin=1000), from_number(3, "another"))
    await queue.publish(events(10, 7), from_number(1))
    await queue.publish(events(5, 7, begin=10), from_number(11))
    await queue.publish(events(10, 7, begin=13), from_number(14))
    found = [int(body.split(b":")[1]) for body in await all_of(queue, 23 + 1201)]
    assert sorted(number for number in found if number < 1000) == list(range(23))


async def test_what_is_too_large_counts_as_published(opening: Opening) -> None:
    large = Outgoing("p0", b"x" * 3000)
    for _ in range(2):
        async with opening() as queue:
            with pytest.raises(EventTooLarge) as refused:
                await queue.publish([*events(3), large, *events(2, begin=3), large], from_number(1))
            assert list(refused.value.indexes) == [3, 6]
            await queue.publish([large, *events(1, begin=5)], from_number(7))
            assert each_once_in_order(await all_of(queue, 6), range(6), profiles=1)


async def test_a_connection_that_breaks_in_the_middle_leaves_no_gap(
    broker: Broker, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each profile has its next event only after the last, also where the call goes on over another connection."""
    real = Publisher._sequence
    answers = 0

    def breaks(publisher: Publisher, answer: dict[str, object]) -> int:
        nonlocal answers
        answers += 1
        if answers % 40 == 0:
            client: Any = publisher._link._client
            client._transport.close()
        return real(publisher, answer)

    monkeypatch.setattr(Publisher, "_sequence", breaks)
    begin = failures = 0
    while begin < 300:
        try:
            await soon(queue.publish(events(100, 7, begin=begin), from_number(begin + 1)))
        except QueueUnavailable:
            failures += 1
        else:
            begin += 100
    monkeypatch.undo()
    assert failures
    assert each_once_in_order(await all_of(queue, 300), range(300), profiles=7)


async def test_every_number_is_there_once_after_kills(
    broker: Broker, stream: str, opening: Opening, tmp_path: Path
) -> None:
    await every_number_once(opening, {"kind": "nats", "url": broker.url, "stream": stream}, tmp_path)
