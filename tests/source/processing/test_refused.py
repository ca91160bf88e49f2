"""Refused elements of batches: kept in the background, in order, and no more of them in memory than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from exporter.source.collection.checks.collected import Refused
from exporter.source.processing import refused as module
from exporter.source.processing.refused import RefusedElements
from exporter.state.bad_record import NewBadRecord
from exporter.state.letter import Stored, Unavailable


def element(index: int, size: int = 10) -> Refused:
    return Refused("1:2:3", index, 7000, "ab" * 32, b"x" * size, "Message has unknown xdm format")


async def test_what_is_refused_is_kept_once_the_state_is_back_and_the_oldest_go_meanwhile() -> None:
    kept: list[NewBadRecord] = []
    lost: list[int] = []
    away = True

    async def remember(letters: Sequence[NewBadRecord]) -> Stored | Unavailable:
        await asyncio.sleep(0)
        if away:
            return Unavailable("database is locked")
        kept.extend(letters)
        return Stored()

    refused = RefusedElements(remember, lambda inlet: f"source of {inlet[:2]}", lambda: 9.0, lambda _: 0, lost.append)
    running = asyncio.create_task(refused.run())
    refused.note([element(0)])
    for _ in range(5):
        await asyncio.sleep(0)
    half = module.WAITING_BYTES // 2
    for index in range(1, 5):
        refused.note([element(index, half)])
    assert sum(lost) == 3
    away = False
    async with asyncio.timeout(30):
        await refused.kept()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert [each.name for each in kept] == ["1:2:3:0", "1:2:3:4"]
    first = kept[0]
    assert (first.source, first.reason, first.taken, first.kept, first.message) == (
        "source of ab",
        "batch_message",
        7000,
        9000,
        b"x" * 10,
    )
