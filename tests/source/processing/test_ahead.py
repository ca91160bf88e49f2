"""Records are examined while others are applied; a lane that is taken away is not read on while its records are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from processing_parts import CHANCES, catalogue, taken

from exporter.messages.message import Message
from exporter.queues.port import Batch, Lag, LaneLost
from exporter.source.processing import ahead
from exporter.source.processing.ahead import Ahead
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.places import Place
from exporter.tasks.background import in_background

CATALOGUE = catalogue()
LISTENERS = Listeners(lambda *_: None, lambda *_: None, pytest.fail, lambda: None)  # type: ignore[arg-type]


class Reading:
    """A subscription that hands out what it is given, one thing a call, and then waits."""

    def __init__(self, *found: Batch | LaneLost) -> None:
        self.found = list(found)
        self.calls = 0

    async def receive(self, limit: int) -> Batch | LaneLost:
        self.calls += 1
        await asyncio.sleep(0)
        if not self.found:
            await asyncio.Event().wait()
        return self.found.pop(0)

    def settle(self, message: Message) -> None: ...

    async def commit(self) -> None: ...

    def reads(self, lane: str | None) -> bool:
        return True

    def knows(self, lane: str) -> bool:
        return True

    def lag(self) -> Lag:
        return Lag(None, None)


def batch(*positions: int) -> Batch:
    return Batch([Message("0", each, taken({"id": f"k{each}"}, at=each).to_bytes(), 0.0) for each in positions])


async def _there() -> None:
    """The intake can be asked."""


INTAKE: Any = SimpleNamespace(check=_there)


def ahead_of(reading: Reading) -> Ahead:
    return Ahead(INTAKE, reading, lambda: CATALOGUE, CHANCES, lambda _: 0.0, LISTENERS)


def positions(places: Sequence[Place]) -> list[int]:
    assert all(place.step is not None for place in places)
    return [place.message.position for place in places]


async def turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_what_comes_while_a_batch_is_applied_is_examined_and_handed_out_at_once() -> None:
    reading = Reading(batch(1, 2), batch(3), batch(4, 5))
    looking = ahead_of(reading)
    async with in_background(looking.run):
        assert positions(await looking.next()) == [1, 2]
        await turns()
        assert positions(await looking.next()) == [3, 4, 5]


@pytest.mark.parametrize(
    ("bound", "enough"), [("_AHEAD_RECORDS", 2), ("_AHEAD_BYTES", 2 * len(batch(1).messages[0].body))]
)
async def test_no_more_is_read_once_enough_is_ahead(monkeypatch: pytest.MonkeyPatch, bound: str, enough: int) -> None:
    monkeypatch.setattr(ahead, bound, enough)
    reading = Reading(batch(1), batch(2, 3), batch(4))
    looking = ahead_of(reading)
    async with in_background(looking.run):
        await turns()
        assert reading.calls == 2
        assert positions(await looking.next()) == [1, 2, 3]
        assert positions(await looking.next()) == [4]


async def test_a_lost_lane_is_read_no_further_before_its_records_are_done_with() -> None:
    reading = Reading(batch(1), LaneLost("0", planned=True), batch(2))
    looking = ahead_of(reading)
    async with in_background(looking.run):
        assert positions(await looking.next()) == [1]
        await turns()
        assert reading.calls == 2
        assert positions(await looking.next()) == [2]
