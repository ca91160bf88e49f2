"""What the intake still holds is applied anew: only what comes to something else is told, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from processing_parts import CHANCES, DECLARED, INLET, catalogue, compiled_of, taken

from exporter.cli.source.reprocess import READER, Reprocessing
from exporter.queues.journal.queue import open_journal
from exporter.queues.port import Outgoing, Queue
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.letters import Letters
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.processor import Processor
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity
from exporter.state.sqlite.opening import open_sqlite as open_state

GROUP = "g"


async def reprocessed(queue: Queue, since: int = 0) -> tuple[int, int]:
    """How many messages were read, and how many stand at the end again."""
    reprocessing, read = Reprocessing(since), 0

    def advance(count: int) -> None:
        nonlocal read
        read += count

    assert await reprocessing.begin(queue, GROUP) >= 0
    await reprocessing.run(queue, advance)
    assert READER not in [each.group for each in await queue.positions()]
    return read, reprocessing.asked


async def test_only_what_comes_to_something_else_is_told(tmp_path: Path) -> None:
    other = compiled_of({**DECLARED, "mappings": [{"id": "m", "schema": "s", "mappings": {"key": "id", "n": "other"}}]})
    assert isinstance(other, Catalogue)
    async with (
        open_journal(
            tmp_path / "intake.db", max_bytes=10**9, groups={GROUP}, warn=pytest.fail, retain_seconds=3600
        ) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
        open_state(tmp_path / "state.db") as state,
    ):
        await state.bad_records.open()
        letters = Letters(state.bad_records, 10**9, lambda _: "crm", lambda: 9.0)

        async def processed(catalogue: Catalogue, count: int) -> list[Any]:
            """What is told of the next ``count`` messages: the events' ids and attributes."""
            before = [each.number for each in await store.told(0, 1000, 10**9)]
            async with queue.subscribe(GROUP, "earliest") as subscription:
                await _processed(queue, subscription, store, letters, lambda: catalogue, count)
                await subscription.commit()
            told = await store.told(before[-1] if before else 0, 1000, 10**9)
            events = [orjson.loads(each.body) for each in told]
            return [(each["id"], each["changes"]["attributes"]) for each in events]

        bodies = [{"id": "a", "n": 1, "other": 1}, {"id": "b", "n": 1, "other": 2}, {"id": "a", "n": 3, "other": 4}]
        await queue.publish([Outgoing(INLET, taken(each, at=at).to_bytes()) for at, each in enumerate(bodies, 1)])
        assert len(await processed(catalogue(), 3)) == 3
        wish = Wish(WishKind.DELETE, "9:0:0", 9, "key", "b")
        await queue.publish([Outgoing(None, b"none of ours"), Outgoing(None, wish.to_bytes())])
        await processed(catalogue(), 2)

        assert await reprocessed(queue) == (5, 4)
        assert await processed(catalogue(), 4) == [], "nothing is otherwise, and the one that was deleted stays so"
        assert await reprocessed(queue, since=3) == (9, 2), "each once, though it stands there twice"
        assert await processed(other, 2) == [("3:0:0:again:0-10", ["n"])], "another event than the one told before"
        assert await reprocessed(queue) == (11, 4)
        assert await processed(other, 4) == []
        shown = await store.profile(Identity("key", "a"), 99)
        assert shown is not None
        assert shown.entity["n"] == 4
        assert await store.profile(Identity("key", "b"), 99) is None


async def _processed(
    queue: Queue,
    subscription: Any,
    store: ProfileStore,
    letters: Letters,
    catalogue: Callable[[], Catalogue],
    count: int,
) -> None:
    end = sum((await store.marks(queue.name)).values()) + count
    bugs: list[Exception] = []
    listeners = Listeners(lambda *_: None, lambda *_: None, bugs.append, lambda: None)
    processor = Processor(
        queue, subscription, store, letters, catalogue, CHANCES, 10**6, 10**9, lambda _: 0.01, listeners
    )
    running = asyncio.create_task(processor.run())
    async with asyncio.timeout(30):
        while sum((await store.marks(queue.name)).values()) < end or (subscription.lag().messages or 0) > 0:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert bugs == []
