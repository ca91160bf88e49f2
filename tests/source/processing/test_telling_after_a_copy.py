"""What the outbox tells where its store came back from a copy, beside a queue that is newer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from exporter.queues.memory import open_memory
from exporter.queues.port import Batch, Numbered, Outgoing, Queue
from exporter.source.processing.telling import Teller
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity, Operation, Record

NOON = 1_700_000_000_000


async def applied(store: ProfileStore, *numbers: int) -> None:
    """Apply a record of each number, whose event has that number as its id."""
    who = Identity("key", "a")
    await store.apply(
        [Record(str(each), NOON + each, "crm", who, (who,), True, Operation.CREATE, {"n": each}) for each in numbers],
        10**6,
    )


async def told(store: ProfileStore, queue: Queue) -> int:
    """Tell all that waits; how many of these the queue had."""
    left_out: list[int] = []
    teller = Teller(store, queue, lambda _: 0.01, lambda _: pytest.fail("too large"), left_out.append)
    telling = asyncio.create_task(teller.run())
    async with asyncio.timeout(30):
        while (await store.counts()).outbox_events:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
    telling.cancel()
    await asyncio.wait([telling])
    return sum(left_out)


async def ids(queue: Queue) -> Sequence[int]:
    """The ids of the events that the queue has, in its order."""
    async with queue.subscribe("all", "earliest") as subscription:
        batch = await subscription.receive(10_000)
    assert isinstance(batch, Batch)
    return [int(orjson.loads(message.body)["id"]) for message in batch.messages]


@pytest.mark.parametrize("beside", [False, True], ids=["", "a command puts events there before anybody tells"])
async def test_nothing_of_a_store_that_came_back_is_left_out_and_nothing_told_again(
    tmp_path: Path, beside: bool
) -> None:
    store_file, copy = tmp_path / "profiles.db", tmp_path / "copy.db"
    async with open_memory(max_bytes=10**9, groups=(), warn=pytest.fail) as queue:
        async with open_sqlite(store_file, Rules()) as store:
            await applied(store, *range(600))
        shutil.copy(store_file, copy)  # while all 600 wait
        async with open_sqlite(store_file, Rules()) as store:
            await applied(store, *range(600, 1500))
            assert await told(store, queue) == 0
        shutil.copy(copy, store_file)
        if beside:
            async with open_sqlite(store_file, Rules()) as store:
                await applied(store, *range(2000, 3000))
        async with open_sqlite(store_file, Rules()) as store:
            await applied(store, *range(3000, 3100))
            assert await told(store, queue) == 600
        assert await ids(queue) == [*range(1500), *(range(2000, 3000) if beside else ()), *range(3000, 3100)]


async def test_what_the_queue_has_from_before_a_kill_is_left_out_and_counted(tmp_path: Path) -> None:
    async with (
        open_memory(max_bytes=10**9, groups=(), warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
    ):
        await applied(store, *range(20))
        first = (await store.told(0, 7, 10**6))[:7]
        numbered = Numbered(first[0].producer, first[0].number, 0.0)
        await queue.publish([Outgoing(each.profile_id, each.body) for each in first], numbered)
        assert await told(store, queue) == 7
        assert await ids(queue) == list(range(20))
