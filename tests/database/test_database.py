"""Group commit, isolation of calls, durability, failures that pass, and the watch for other processes."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import apsw
import pytest

from exporter.database import Database, DatabaseUnavailable, FileLost, Schema
from exporter.database.checkpoints import LOG_PAGES, Checkpoints
from exporter.database.opening import connected, open_file
from exporter.database.worker_loop import Job, Worker

SCHEMA = Schema(0x1234, "a test", ("CREATE TABLE t (x)",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "data.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with Database.open(path, SCHEMA) as opened:
        yield opened


def insert(value: object) -> Callable[[apsw.Connection], None]:
    def run(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (?)", (value,))

    return run


def rows(connection: apsw.Connection) -> list[Any]:
    return [value for (value,) in connection.execute("SELECT x FROM t ORDER BY rowid")]


async def test_a_write_returns_what_its_function_returns(database: Database) -> None:
    assert await database.write(lambda connection: connection.pragma("user_version")) == 1


async def test_one_that_fails_does_not_spoil_the_others(database: Database) -> None:
    def fails(connection: apsw.Connection) -> None:
        insert("half")(connection)
        raise ZeroDivisionError

    done = await asyncio.gather(
        database.write(insert(1)), database.write(fails), database.write(insert(2)), return_exceptions=True
    )
    assert [type(result) for result in done] == [type(None), ZeroDivisionError, type(None)]
    assert await database.read(rows) == [1, 2]


async def test_one_that_fails_alone_is_undone_and_spoils_none_after_it(database: Database) -> None:
    def fails(connection: apsw.Connection) -> None:
        insert("half")(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fails)
    await database.write(insert(1))
    assert await database.read(rows) == [1]


async def test_writes_that_wait_together_share_a_transaction(database: Database) -> None:
    gate = threading.Event()
    commits = 0

    def counted() -> bool:
        nonlocal commits
        commits += 1
        return False

    await database.read(lambda connection: connection.set_commit_hook(counted))
    held = asyncio.ensure_future(database.read(lambda _: gate.wait(30)))
    await asyncio.sleep(0.05)
    writes = [asyncio.ensure_future(database.write(insert(number))) for number in range(200)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(held, *writes)
    assert await database.read(rows) == list(range(200))
    assert commits == 1


async def test_a_cancelled_caller_harms_nobody(database: Database) -> None:
    gate = threading.Event()
    held = asyncio.ensure_future(database.read(lambda _: gate.wait(30)))
    cancelled = asyncio.ensure_future(database.write(insert("cancelled")))
    other = asyncio.ensure_future(database.write(insert("other")))
    await asyncio.sleep(0)
    cancelled.cancel()
    gate.set()
    await asyncio.gather(held, other)
    assert cancelled.cancelled()
    assert await database.read(rows) == ["cancelled", "other"]  # it was on its way


async def test_closing_finishes_what_was_begun(path: Path) -> None:
    async with Database.open(path, SCHEMA) as database:
        writes = [asyncio.ensure_future(database.write(insert(number))) for number in range(50)]
        await asyncio.sleep(0)
    assert all(write.done() for write in writes)
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await database.write(insert(0))
    async with Database.open(path, SCHEMA) as again:
        assert await again.read(rows) == list(range(50))


async def test_a_commit_that_fails_fails_every_write_in_it_and_the_next_one_works(database: Database) -> None:
    await database.read(lambda connection: connection.set_commit_hook(lambda: True))
    done = await asyncio.gather(*(database.write(insert(number)) for number in range(3)), return_exceptions=True)
    assert all(isinstance(result, apsw.ConstraintError) for result in done)
    await database.read(lambda connection: connection.set_commit_hook(None))
    await database.write(insert("after"))
    assert await database.read(rows) == ["after"]


async def test_a_transaction_that_a_failed_commit_leaves_open_is_undone(database: Database) -> None:
    def prepare(connection: apsw.Connection) -> None:
        connection.pragma("foreign_keys", 1)
        connection.execute("CREATE TABLE u (x INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE v (x REFERENCES u DEFERRABLE INITIALLY DEFERRED)")

    await database.read(prepare)
    with pytest.raises(apsw.ConstraintError):
        await database.write(lambda connection: connection.execute("INSERT INTO v VALUES (1)"))
    await database.write(insert("after"))
    assert await database.read(rows) == ["after"]


async def test_a_full_disk_is_said_and_passes(database: Database, path: Path) -> None:
    await database.write(insert("before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("data.db-wal").stat().st_size, hard))
    try:
        failed = await asyncio.gather(
            *(database.write(insert(b"x" * 10_000)) for _ in range(3)), return_exceptions=True
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert all(isinstance(result, DatabaseUnavailable) for result in failed)
    assert len({id(result) for result in failed}) == 3
    await database.write(insert("after"))
    assert await database.read(rows) == ["before", "after"]


async def test_another_program_that_holds_the_file_is_said_and_passes(database: Database, path: Path) -> None:
    await database.read(lambda connection: connection.set_busy_timeout(50))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable, match="another process"):
        await database.write(insert(1))
    assert await database.read(rows) == []
    other.execute("ROLLBACK")
    other.close()
    await database.write(insert(2))
    assert await database.read(rows) == [2]


def move(path: Path, to: Path) -> Path:
    return path.rename(to)


def move_aside(path: Path, replaced: bool) -> Path:
    aside = move(path, path.with_name("aside.db"))
    if replaced:
        path.touch()
    return aside


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_was_removed_takes_no_writes(
    database: Database, path: Path, replaced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.database.same_file.LOOK_SECONDS", 0.0)
    await database.write(insert(1))
    aside = move_aside(path, replaced)
    with pytest.raises(DatabaseUnavailable, match="replaced" if replaced else "removed"):
        await database.write(insert(2))
    move(aside, path)
    await database.write(insert(3))
    assert await database.read(rows) == [1, 3]


async def test_a_file_that_was_removed_is_not_read_either(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only reads is to hear of it too."""
    monkeypatch.setattr("exporter.database.same_file.LOOK_SECONDS", 0.0)
    await database.write(insert(1))
    aside = move_aside(path, replaced=False)
    for call in (database.read, database.tidy):
        with pytest.raises(FileLost, match=f"^{path} was removed while it was open: put it back, or start"):
            await call(rows)
    move(aside, path)
    assert await database.read(rows) == [1]


async def test_a_file_that_was_emptied_is_named_as_that_until_the_end(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log and what SQLite knows of it do not fit what somebody writes there."""
    monkeypatch.setattr("exporter.database.same_file.LOOK_SECONDS", 0.0)
    await database.write(insert(1))
    contents = await asyncio.to_thread(path.read_bytes)
    for size in (0, 10, len(contents)):
        os.truncate(path, size)
        for call in (database.read, database.write, database.tidy):
            with pytest.raises(FileLost, match=f"^{path} was truncated to 0 bytes while it was open: stop"):
                await call(rows)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_log_that_was_removed_takes_no_writes(
    database: Database, path: Path, replaced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it is nowhere else, and another process would begin one of its own."""
    monkeypatch.setattr("exporter.database.same_file.LOOK_SECONDS", 0.0)
    await database.write(insert(1))
    log = path.with_name("data.db-wal")
    aside = move_aside(log, replaced)
    with pytest.raises(FileLost, match=f"^{log} was {'replaced' if replaced else 'removed'} while it was open"):
        await database.write(insert(2))
    move(aside, log)
    await database.write(insert(3))
    assert await database.read(rows) == [1, 3]


async def test_closing_a_file_that_was_taken_away_leaves_the_side_files_of_the_new_one(path: Path) -> None:
    """The last to close removes them by their names, and the new file's log has commits that are nowhere else."""
    log = path.with_name("data.db-wal")
    async with AsyncExitStack() as stack:
        lost = await stack.enter_async_context(Database.open(path, SCHEMA))
        await stack.enter_async_context(lost.second_connection())
        await lost.write(insert(1))
        path.parent.rename(path.parent.with_name("aside"))
        async with Database.open(path, SCHEMA) as new:
            await new.write(insert(2))
            before = log.stat().st_ino
            await stack.aclose()
            assert log.stat().st_ino == before
            await new.write(insert(3))
            assert await new.read(rows) == [2, 3]


@pytest.mark.parametrize("obstacle", ["a file", "a loop of links"])
async def test_a_folder_that_is_none_any_more_is_said_and_passes(
    database: Database, path: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that may not be looked into: errors of the system that are neither SQLite's nor "no such file"."""
    monkeypatch.setattr("exporter.database.same_file.LOOK_SECONDS", 0.0)
    folder = path.parent
    aside = move(folder, folder.with_name("aside"))
    if obstacle == "a file":
        folder.touch()
    else:
        folder.symlink_to(folder)
    for call in (database.read, database.write, database.tidy):
        with pytest.raises(FileLost, match=r"Not a directory|Too many levels of symbolic links"):
            await call(insert("lost"))
    folder.unlink()
    move(aside, folder)
    await database.write(insert("after"))
    assert await database.read(rows) == ["after"]


def refuse_threads(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As where the system gives this process no more: what CPython says then."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(name):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


async def test_no_thread_for_a_file_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_threads(monkeypatch, "sqlite data.db")
    with pytest.raises(DatabaseUnavailable, match="no thread can be started"):
        async with Database.open(path, SCHEMA):
            pass
    monkeypatch.undo()
    async with Database.open(path, SCHEMA) as database:
        refuse_threads(monkeypatch, "sqlite data.db")
        with pytest.raises(DatabaseUnavailable, match="no thread can be started"):
            async with database.second_connection():
                pass


async def test_without_a_thread_the_log_is_copied_by_who_commits(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_threads(monkeypatch, "sqlite checkpoints")
    log = path.with_name("data.db-wal")
    await database.write(insert(0))
    first = beginnings(log)
    async with asyncio.timeout(60):
        while beginnings(log) == first:
            await database.write(insert(b"x" * 400_000))
    monkeypatch.undo()
    alive = {thread.name for thread in threading.enumerate()}
    assert "sqlite checkpoints" not in alive
    async with asyncio.timeout(60):
        while "sqlite checkpoints" not in alive:
            await database.write(insert(b"x" * 400_000))
            alive = {thread.name for thread in threading.enumerate()}


async def test_no_memory_fails_a_call_and_not_the_thread(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Worker._serve
    failures = 1

    def serve(worker: Worker, waiting: list[Job]) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise MemoryError
        real(worker, waiting)

    monkeypatch.setattr(Worker, "_serve", serve)
    with pytest.raises(DatabaseUnavailable, match="out of memory"):
        await database.write(insert("failed"))
    await database.write(insert("after"))
    assert await database.read(rows) == ["after"]


async def test_a_write_after_a_tidying_that_could_not_be_ended_waits_for_the_disk(database: Database) -> None:
    """``PRAGMA synchronous`` has no effect within a transaction; nor would it if the disk failed just then."""

    def leaves_open(connection: apsw.Connection) -> None:
        connection.execute("BEGIN")

    await asyncio.gather(database.tidy(leaves_open), return_exceptions=True)
    await database.write(insert("after"))
    assert await database.read(lambda connection: connection.pragma("synchronous")) == 2


async def test_a_mistake_in_sql_stays_what_it_is(database: Database) -> None:
    with pytest.raises(apsw.SQLError):
        await database.read(lambda connection: connection.execute("SELECT nonsense"))
    with pytest.raises(apsw.SQLError):
        await database.write(lambda connection: connection.execute("SELECT nonsense"))


async def test_who_watches_a_file_that_is_gone_leaves_no_error_that_nobody_hears(
    database: Database, path: Path
) -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    await asyncio.to_thread(path.unlink)
    with database.watched(lambda _: None, rows), pytest.raises(FileLost):
        await database.read(rows)
    gc.collect()
    await asyncio.sleep(0)
    assert heard == []


async def test_commits_of_others_are_noticed_and_own_ones_are_not(database: Database, path: Path) -> None:
    changed = asyncio.Event()
    other = apsw.Connection(str(path))
    with database.watched(lambda _: changed.set(), rows):
        await asyncio.sleep(0.05)
        changed.clear()
        await database.write(insert("own"))
        await asyncio.sleep(0.1)
        assert not changed.is_set()
        for number in range(3):
            other.execute("INSERT INTO t VALUES (?)", (number,))
            async with asyncio.timeout(30):
                await changed.wait()
            changed.clear()
    other.execute("INSERT INTO t VALUES ('unwatched')")
    await asyncio.sleep(0.1)
    assert not changed.is_set()
    with database.watched(lambda _: changed.set(), rows):  # what happened meanwhile is not missed
        async with asyncio.timeout(30):
            await changed.wait()
    other.close()


def beginnings(log: Path) -> bytes:
    """The count of checkpoints in the header of the log (SQLite's file format, section 4.1)."""
    with log.open("rb") as file:
        return file.read(16)[12:]


async def test_a_long_log_begins_anew_beside_commits_that_never_pause(database: Database, path: Path) -> None:
    log = path.with_name("data.db-wal")
    page = b"x" * 4000
    written = 0

    def many(connection: apsw.Connection) -> None:
        connection.executemany("INSERT INTO t VALUES (?)", ((page,) for _ in range(100)))

    await database.write(insert(0))
    first = beginnings(log)
    async with asyncio.timeout(60):
        while beginnings(log) == first:
            await database.write(many)
            written += 100
    assert written >= LOG_PAGES
    assert len(await database.read(rows)) == written + 1


async def test_a_log_that_begins_anew_keeps_its_length(database: Database, path: Path) -> None:
    log = path.with_name("data.db-wal")
    page = b"x" * 4000
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM t")

    def many(connection: apsw.Connection) -> None:
        connection.executemany("INSERT INTO t VALUES (?)", ((page,) for _ in range(500)))

    while log.stat().st_size < 24_000_000:
        await database.write(many)
    longest = log.stat().st_size
    reader.execute("COMMIT")
    reader.close()
    first = beginnings(log)
    async with asyncio.timeout(60):
        while beginnings(log) == first:
            await database.write(many)
            await asyncio.sleep(0.1)
    assert log.stat().st_size >= longest


@pytest.mark.parametrize("log_pages", [LOG_PAGES, 4 * LOG_PAGES])
async def test_a_log_that_somebody_reads_for_long_is_copied_once_in_so_many_pages(log_pages: int) -> None:
    asked = 0

    def connect() -> apsw.Connection:
        raise apsw.CantOpenError

    checkpoints = Checkpoints(connect, log_pages)
    connection = apsw.Connection(":memory:")
    set_asked = checkpoints._asked.set

    def count() -> None:
        nonlocal asked
        asked += 1
        set_asked()

    checkpoints._asked.set = count  # type: ignore[method-assign]
    for pages in range(0, 20 * log_pages, 50):
        checkpoints.hear(connection, "main", pages)
    assert asked == 19
    checkpoints.hear(connection, "main", 10)  # it began anew
    checkpoints.hear(connection, "main", log_pages + 10)
    assert asked == 20
    checkpoints.end()


async def test_tidying_holds_the_file_only_while_a_statement_runs(database: Database, path: Path) -> None:
    other = apsw.Connection(str(path))

    def tidy(connection: apsw.Connection) -> Any:
        connection.execute("INSERT INTO t VALUES (1)")
        other.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2); COMMIT")
        connection.execute("DELETE FROM t WHERE x = 1")
        return rows(connection)

    assert await database.tidy(tidy) == [2]
    other.close()


async def test_tidying_that_fails_is_the_callers_and_later_writes_are_synchronous(database: Database) -> None:
    def fails(connection: apsw.Connection) -> None:
        insert("half")(connection)
        raise ZeroDivisionError

    written, failed, tidied = await asyncio.gather(
        database.write(insert("whole")), database.tidy(fails), database.tidy(insert("after")), return_exceptions=True
    )
    assert (written, type(failed), tidied) == (None, ZeroDivisionError, None)
    assert await database.read(rows) == ["whole", "half", "after"]
    assert await database.read(lambda connection: connection.pragma("synchronous")) == 2


async def test_tidying_waits_for_who_holds_the_file_and_says_so(database: Database, path: Path) -> None:
    await database.read(lambda connection: connection.set_busy_timeout(100))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable, match="another process has held the database"):
        await database.tidy(insert(1))
    other.execute("ROLLBACK")
    other.close()
    await database.tidy(insert(2))
    assert await database.read(rows) == [2]


async def test_checkpoints_go_on_after_one_that_could_not_begin(path: Path) -> None:
    """As while no descriptor is free."""
    tries = 0
    real = open_file(path, SCHEMA)

    def connect() -> apsw.Connection:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise apsw.CantOpenError
        return connected(path)

    checkpoints = Checkpoints(connect)
    real.set_wal_hook(checkpoints.hear)
    log = path.with_name("data.db-wal")
    real.execute("INSERT INTO t VALUES (0)")
    first = beginnings(log)
    async with asyncio.timeout(60):
        while beginnings(log) == first:
            real.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,)] * 100)
            await asyncio.sleep(0.01)
    assert tries == 2
    checkpoints.end()
    real.close()


async def test_writes_are_synchronous(database: Database) -> None:
    assert await database.read(lambda connection: connection.pragma("synchronous")) == 2
    assert await database.read(lambda connection: connection.pragma("journal_mode")) == "wal"
    assert await database.read(lambda connection: connection.pragma("auto_vacuum")) == 2


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed; the pragma is tested above")
def test_every_commit_reaches_the_disk_before_it_returns_and_no_tidying_waits_for_it(tmp_path: Path) -> None:
    program = """
import asyncio, os, sys
from pathlib import Path
from exporter.database import Database, Schema

async def main():
    async with Database.open(Path(sys.argv[1]), Schema(0x1234, "a test", ("CREATE TABLE t (x)",))) as database:
        for number in range(5):
            await database.write(lambda c: c.execute("INSERT INTO t VALUES (1)"))
            os.write(2, b"durable\\n")
        for number in range(5):
            await database.tidy(lambda c: c.execute("DELETE FROM t WHERE rowid = (SELECT min(rowid) FROM t)"))
            os.write(2, b"tidy\\n")

asyncio.run(main())
"""
    trace = tmp_path / "trace"
    subprocess.run(
        [
            "strace",
            "-f",
            "-y",
            "-e",
            "trace=fsync,fdatasync,write",
            "-o",
            trace,
            sys.executable,
            "-c",
            program,
            tmp_path / "x",
        ],
        check=True,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    calls = trace.read_text().splitlines()
    said = [index for index, call in enumerate(calls) if "durable" in call]
    assert len(said) == 5
    for before, after in itertools.pairwise(said):
        assert any("sync(" in call and "-wal" in call for call in calls[before:after])
    tidied = [index for index, call in enumerate(calls) if "tidy" in call]
    assert len(tidied) == 5
    assert not any("sync(" in call for call in calls[said[-1] : tidied[-1]])
