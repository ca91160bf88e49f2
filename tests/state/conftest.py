"""What the tests of the state share: a Redis for all of a run, and a store of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from letters_made import GROUP
from redis_server import RedisServer, needs_redis, running
from state_kinds import InRedis, InSqlite, Kind, Opened

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters

ROOM = 1 << 20


@pytest.fixture(scope="session")
def redis_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "sqlite":
        return InSqlite(tmp_path / "folder" / "state.db")
    server: RedisServer = request.getfixturevalue("redis_of_all")
    server.cli("FLUSHALL")
    return InRedis(server)


@pytest.fixture
async def opened(kind: Kind) -> AsyncIterator[Opened]:
    async with kind.open() as opened:
        yield opened


@pytest.fixture
def store(opened: Opened) -> DeadLetters:
    return opened.dead_letters


@pytest.fixture
async def crm(store: DeadLetters) -> DataflowLetters:
    letters = store.of("crm", GROUP, ROOM)
    await letters.open()
    return letters
