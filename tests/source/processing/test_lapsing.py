"""Memberships without news leave their segments, and nothing is over while news may still wait in the intake."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from exporter.queues.port import Lag
from exporter.source.collection.stamps import Stamps
from exporter.source.processing.lapsing import Lapsing
from exporter.source.processing.processor import TAKEN
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.profiles.tally import Tally
from exporter.source.records import Identity, Membership, Operation, Record

NOON = 1_700_000_000_000
WHO = Identity("key", "a")
TTL = 1000


async def test_a_membership_without_news_leaves_once_nothing_waits(tmp_path: Path) -> None:
    member = Membership("ups", "s", "realized", NOON, {"status": "realized"})
    record = Record(f"{NOON}:0:0", NOON, "d", WHO, (WHO,), True, Operation.CREATE, {}, (member,))
    waiting = 1
    async with open_sqlite(tmp_path / "profiles.db", Rules()) as store:
        await store.apply([record], 10**6, tally=lambda _: Tally({TAKEN: NOON}))
        changed: list[int] = []
        looks = 0

        def lag() -> Lag:
            nonlocal looks
            looks += 1
            return Lag(waiting, 0.0)

        stamps = Stamps(lambda: NOON + TTL + 1)
        lapsing = Lapsing(store, TTL, stamps, lag, 10**6, 10**9, changed.append, lambda _: 0.01)
        running = asyncio.create_task(lapsing.run())
        async with asyncio.timeout(30):
            while looks < 2:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.01)
            assert changed == []
            waiting = 0
            while not changed:  # noqa: ASYNC110 (a plain value)
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
        event = orjson.loads((await store.told(0, 10, 10**6))[-1].body)
        assert event["changes"]["segments"] == [{"namespace": "ups", "id": "s", "from": "realized", "to": "exited"}]
