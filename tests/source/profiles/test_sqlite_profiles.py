"""The profile store in an SQLite file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from contract_of_profiles import Contract, Opening, applied, entity
from contract_of_runs import RunsContract
from profile_records import NOON, ROOM, named, record

from exporter.database import Database, DatabaseRefused
from exporter.queues.journal.tables import SCHEMA as JOURNAL
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Deletion
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.source.profiles.sqlite import store as sqlite_store
from exporter.source.profiles.sqlite.schema import SCHEMA
from exporter.source.profiles.sqlite.store import open_sqlite


def content(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)


def moved_away(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))


async def until_it_fails(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """The file is looked at once a second."""
    async with asyncio.timeout(30):
        while True:
            await call()
            await asyncio.sleep(0.05)


def halved(path: Path) -> int:
    """Cut off half of a file; the bytes that are left."""
    with path.open("r+b") as file:
        return file.truncate(path.stat().st_size // 2)


class TestSqlite(Contract, RunsContract):
    """The contract, and what is of this kind."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "folder" / "profiles.db"

    @pytest.fixture
    def opening(self, path: Path) -> Opening:
        return lambda rules: open_sqlite(path, rules)

    async def test_two_that_have_the_file_open_do_not_step_on_each_other(self, opening: Opening) -> None:
        async with opening(Rules()) as one, opening(Rules()) as other:
            await applied(one, record("e:1", entity={"a": 1}))
            await applied(other, record("e:1", "c:1", at=1, entity={"b": 1}, dataset="web"))
            await applied(one, record("c:1", at=2, entity={"c": 1}, dataset="third"))
            assert await entity(other, "e:1") == {"a": 1, "b": 1, "c": 1}
            assert (await one.counts()).profiles == 1

    async def test_what_waits_in_a_store_of_before_is_told_under_the_name_of_before(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(apsw.Connection(str(path))) as connection:
            connection.pragma("journal_mode", "wal")
            for script in SCHEMA.migrations[:2]:
                connection.execute(script)
            name = connection.execute("SELECT name FROM store").get
            connection.execute("INSERT INTO outbox VALUES (1, 1, 2, 2, ?)", (msgspec.msgpack.encode([("p", b"{}")]),))
            connection.execute("UPDATE store SET next_event = 2, told_bytes = 2")
            connection.pragma("application_id", SCHEMA.application_id)
            connection.pragma("user_version", 2)
        async with open_sqlite(path, Rules()) as store:
            await applied(store, record("e:1"))
            told = await store.told(0, 10, ROOM)
            assert [(each.producer, each.number) for each in told] == [(f"profiles-{name}", 1), (store.name, 2)]

    async def test_a_truncated_file_is_refused_in_words(self, opening: Opening, path: Path) -> None:
        async with opening(Rules()) as store:
            await applied(store, *(record(f"e:{number}", entity={"a": "x" * 900}) for number in range(100)))
        size = halved(path)
        with pytest.raises(DatabaseRefused, match="it is truncated"):
            async with opening(Rules()):
                pass
        assert len(content(path)) == size

    async def test_a_foreign_file_is_refused_in_words(self, opening: Opening, path: Path) -> None:
        async with Database.open(path, JOURNAL):
            pass
        before = content(path)
        with pytest.raises(DatabaseRefused, match="it is not a store of profiles of exporter"):
            async with opening(Rules()):
                pass
        assert content(path) == before

    async def test_what_is_no_database_is_refused_in_words(self, opening: Opening, path: Path) -> None:
        write(path, b"profiles\n" * 1000)
        with pytest.raises(DatabaseRefused, match="it is not an SQLite database"):
            async with opening(Rules()):
                pass

    async def test_what_was_deleted_does_not_stay_in_the_file(self, opening: Opening, path: Path) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("email:secret@example.com", entity={"a": "very-secret"}))
            await store.apply([Deletion("d", NOON + 1, named("email:secret@example.com"))], ROOM)
            await store.delete_told(100)
        for word in (b"very-secret", b"secret@example.com"):
            assert word not in content(path)

    async def test_a_transaction_deletes_what_is_told_and_nothing_that_it_tells(
        self, opening: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So its own events take the pages, and nobody has to write them twice."""
        monkeypatch.setattr(sqlite_store, "_DELETED_WITHIN_SECONDS", 3600.0)
        async with opening(Rules()) as store:
            await applied(store, record("e:1"), record("e:2"))
            deleting = asyncio.create_task(store.delete_told(1))
            await asyncio.sleep(0)
            assert len(await store.told(0, 100, ROOM)) == 2
            await applied(store, record("e:3"))
            assert [each.number for each in await store.told(0, 100, ROOM)] == [2, 3]
            deleting.cancel()
            await asyncio.wait([deleting])
            await applied(store, record("e:4"))
            assert [each.number for each in await store.told(0, 100, ROOM)] == [2, 3, 4]

    async def test_a_deletion_is_left_to_a_transaction_that_is_on_its_way(
        self, opening: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_store, "_DELETED_WITHIN_SECONDS", 0.001)
        monkeypatch.setattr(Database, "tidy", lambda *_: pytest.fail("it was deleted apart"))
        gate = threading.Event()
        async with opening(Rules()) as store:
            assert isinstance(store, sqlite_store.SqliteProfiles)
            await applied(store, record("e:1"), record("e:2"))
            held = asyncio.create_task(store.database.read(lambda _: gate.wait()))
            applying = asyncio.create_task(applied(store, record("e:3")))
            deleting = asyncio.create_task(store.delete_told(1))
            await asyncio.wait([deleting], timeout=0.05)
            gate.set()
            await asyncio.gather(held, applying, deleting)
            assert [each.number for each in await store.told(0, 100, ROOM)] == [2, 3]

    async def test_a_store_whose_file_is_gone_says_so(self, opening: Opening, path: Path) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1"))
            moved_away(path)
            calls: list[Callable[[], Coroutine[Any, Any, object]]] = [
                lambda: store.apply([record("e:2")], ROOM),
                lambda: store.profile(named("e:1"), NOON),
                lambda: store.delete_told(1),
                store.check,
            ]
            for call in calls:
                with pytest.raises(ProfilesUnavailable, match=r"profiles.db was removed while it was open"):
                    await until_it_fails(call)
