"""What readers show of themselves to others that look at the same group, on every kind of queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract import soon
from redis_server import needs_redis, running

from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kinds import open_queue
from exporter.queues.redis_streams.settings import RedisSettings


@pytest.fixture(params=["journal", pytest.param("redis", marks=needs_redis)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "journal":
        yield JournalSettings(path=tmp_path / "queue.db")
        return
    with running(tmp_path / "redis") as server:
        yield RedisSettings.model_validate({"kind": "redis", "url": server.url})


async def test_of_a_reader_and_its_standby_the_reader_is_seen(settings: Any) -> None:
    async with (
        open_queue(settings, (), pytest.fail, "one") as one,
        open_queue(settings, (), pytest.fail, "two") as two,
    ):
        assert list(await two.badges("g")) == []
        async with one.subscribe("g", "earliest"):
            assert list(await two.badges("g")) == ["one"]
            assert list(await one.badges("g")) == ["one"], "we see ourselves"
            assert list(await two.badges("h")) == []

            async def read_second() -> None:
                async with two.subscribe("g", "earliest"):
                    entered.set()
                    await done.wait()

            entered, done = asyncio.Event(), asyncio.Event()
            standby = asyncio.ensure_future(read_second())
            await asyncio.sleep(1)
            assert list(await one.badges("g")) == ["one"]
        await soon(entered.wait())
        assert list(await one.badges("g")) == ["two"]
        done.set()
        await soon(standby)
        assert list(await one.badges("g")) == []
