"""The teller on a real store: what keeps it from telling, and what holds it up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.queues.memory import open_memory
from exporter.source.processing import telling
from exporter.source.processing.telling import Teller
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import ProfilesUnavailable, Told
from exporter.source.profiles.sqlite.store import SqliteProfiles, open_sqlite
from exporter.source.records import Identity, Operation, Record


def record(number: int) -> Record:
    who = Identity("key", f"k{number}", None, True)
    return Record(f"{number}:0:0", number, "d", who, (who,), True, Operation.CREATE, {"n": number})


async def until(so: Any) -> None:
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110 (plain values)
            await asyncio.sleep(0.005)


async def test_a_deletion_that_takes_long_holds_no_event_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BATCH_EVENTS", 2)
    async with (
        open_memory(max_bytes=10**9, groups={"g"}, warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
    ):
        delete, free, asked = type(store).delete_told, asyncio.Event(), []

        async def delete_told(self: Any, to: int) -> None:
            asked.append(to)
            await free.wait()
            await delete(self, to)

        monkeypatch.setattr(type(store), "delete_told", delete_told)
        await store.apply([record(number) for number in range(1, 6)], 10**6)
        teller = Teller(store, queue, lambda _: 0.01, lambda _: None, lambda _: None)
        running = asyncio.create_task(teller.run())
        await until(lambda: teller.told == 5)
        assert asked[0] <= 5
        assert (await store.counts()).outbox_events == 5
        free.set()
        async with asyncio.timeout(30):
            while (await store.counts()).outbox_events:  # noqa: ASYNC110 (a value of the store)
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])


async def test_a_store_that_was_away_works_again_without_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "LOOK_SECONDS", 0.01)
    told = SqliteProfiles.told
    looks: list[str | None] = []

    async def away_once(store: SqliteProfiles, after: int, limit: int, max_bytes: int) -> Sequence[Told]:
        looks.append(teller.failure)
        if len(looks) == 1:
            raise ProfilesUnavailable("it is away")
        return await told(store, after, limit, max_bytes)

    monkeypatch.setattr(SqliteProfiles, "told", away_once)
    async with (
        open_memory(max_bytes=10**9, groups=set(), warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
    ):
        teller = Teller(store, queue, lambda _: 0.0, lambda _: None, lambda _: None)
        running = asyncio.create_task(teller.run())
        async with asyncio.timeout(30):
            while len(looks) < 3:
                assert not running.done(), running.exception()
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait([running])
    assert looks[:3] == [None, "it is away", None]


async def test_a_queue_that_does_not_answer_is_told_of_before_it_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is away may take a minute to be given up."""
    monkeypatch.setattr(telling, "ANSWER_SECONDS", 0.01)
    async with (
        open_memory(max_bytes=10**9, groups={"g"}, warn=pytest.fail) as queue,
        open_sqlite(tmp_path / "profiles.db", Rules()) as store,
    ):
        publish, answers = type(queue).publish, asyncio.Event()

        async def slow(self: Any, *given: Any) -> int:
            await answers.wait()
            return await publish(self, *given)

        monkeypatch.setattr(type(queue), "publish", slow)
        await store.apply([record(1)], 10**6)
        teller = Teller(store, queue, lambda _: 0.01, lambda _: None, lambda _: None)
        running = asyncio.create_task(teller.run())
        await until(lambda: teller.failure == "the queue has not answered for 0.01 s")
        answers.set()
        await until(lambda: teller.told == 1 and teller.failure is None)
        running.cancel()
        await asyncio.wait([running])
