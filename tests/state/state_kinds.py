"""The kinds of store, each opened as several processes would open it; tests that take ``kind`` run over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redis_server import RedisServer

from exporter.database import Database
from exporter.state.bad_records_port import BadRecordStore
from exporter.state.dead_letters import DeadLetters
from exporter.state.port import LetterStore
from exporter.state.redis.bad_records import RedisBadRecordStore
from exporter.state.redis.letter_store import RedisLetterStore
from exporter.state.redis.server import connected
from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite.bad_records import SqliteBadRecordStore
from exporter.state.sqlite.letter_store import SqliteLetterStore
from exporter.state.sqlite.schema import SCHEMA
from exporter.state.sqlite.settings import SqliteSettings

PREFIX = "exporter:"


@dataclass(frozen=True)
class Opened:
    """An open store: as the daemon and the command use it, and what stands below."""

    dead_letters: DeadLetters
    store: LetterStore
    bad_records: BadRecordStore


class Kind(Protocol):
    """One empty store."""

    def open(self) -> AbstractAsyncContextManager[Opened]:
        """Open it, beside others that have it open; what memory answers is never old."""
        ...

    @property
    def settings(self) -> SqliteSettings | RedisStateSettings:
        """Its section of the configuration."""
        ...


@dataclass(frozen=True)
class InSqlite:
    """A file."""

    path: Path

    @property
    def settings(self) -> SqliteSettings:
        return SqliteSettings(path=self.path)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        async with Database.open(self.path, SCHEMA) as database:
            store = SqliteLetterStore(database)
            yield Opened(DeadLetters(store, poll_seconds=0), store, SqliteBadRecordStore(database))


@dataclass(frozen=True)
class InRedis:
    """An empty database of a server."""

    server: RedisServer

    @property
    def settings(self) -> RedisStateSettings:
        return RedisStateSettings.model_validate({"kind": "redis", "url": self.server.url, "key_prefix": PREFIX})

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        async with connected(self.settings) as server:
            store = RedisLetterStore(server, PREFIX)
            yield Opened(DeadLetters(store, poll_seconds=0), store, RedisBadRecordStore(server, PREFIX))
