"""Files that must not be opened, and are left byte for byte as they are."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from exporter.database import Database, DatabaseRefused, DatabaseUnavailable, Schema
from exporter.database.opening import open_file
from exporter.database.wholeness import damage as damage_of

SCHEMA = Schema(0x1234, "a test", ("CREATE TABLE t (x BLOB)",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of ours with some pages in it."""
    file = tmp_path / "data.db"
    connection = open_file(file, SCHEMA)
    connection.executemany("INSERT INTO t VALUES (?)", [(b"x" * 3000,)] * 50)
    connection.close()
    assert not file.with_name("data.db-wal").exists()
    return file


def _truncated_in_a_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1000)


def _truncated_between_pages(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8192)


def _one_byte(path: Path) -> None:
    os.truncate(path, 1)


def _zeroed_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def _zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _text(path: Path) -> None:
    path.write_text("not a database at all, but a file that somebody needs\n" * 50)


def _bad_page_size(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(16)
        file.write(b"\x12\x34")


def _foreign_application(path: Path) -> None:
    with apsw.Connection(str(path)) as connection:
        connection.pragma("application_id", 4321)
    connection.close()


def _foreign_without_id(path: Path) -> None:
    path.unlink()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def _newer(path: Path) -> None:
    with apsw.Connection(str(path)) as connection:
        connection.pragma("user_version", 2)
    connection.close()


def _damaged_schema(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 200)


async def opened(path: Path) -> None:
    async with Database.open(path, SCHEMA):
        pass


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_truncated_in_a_page, "it is truncated: its last page has 3096 of 4096 bytes"),
        (_truncated_between_pages, "it is truncated: "),
        (_one_byte, "it is not an SQLite database"),
        (_zeroed_header, "its header is zeroed"),
        (_zeroed, "its header is zeroed"),
        (_text, "it is not an SQLite database"),
        (_bad_page_size, "its header is damaged"),
        (_foreign_application, "it is not a test of exporter"),
        (_foreign_without_id, "it is not a test of exporter"),
        (_newer, "it was written by a newer exporter"),
        (_damaged_schema, "it is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_is(
    path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(path)
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused) as refused:
        asyncio.run(opened(path))
    assert refused.value.path == path
    assert refused.value.reason.startswith(reason)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if file.name.endswith("-journal")] == []


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A file whose process was killed before its log was put into it."""
    path = tmp_path / "killed.db"
    program = (
        "import os, sys; from pathlib import Path; from exporter.database.opening import Schema, open_file;"
        "c = open_file(Path(sys.argv[1]), Schema(0x1234, 'a test', ('CREATE TABLE t (x BLOB)',)));"
        "c.executemany('INSERT INTO t VALUES (?)', [(b'x' * 3000,)] * 50); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
    assert path.with_name("killed.db-wal").stat().st_size > 0
    return path


async def test_what_is_still_in_the_log_is_not_missing(unfinished: Path) -> None:
    # A crash in the middle of a checkpoint: the first page already counts pages that only the log has.
    _cut_off_a_checkpoint(unfinished)
    async with Database.open(unfinished, SCHEMA) as database:
        assert await database.read(lambda connection: connection.execute("SELECT count(*) FROM t").get) == 50
        assert await database.read(lambda connection: connection.pragma("integrity_check")) == "ok"


def _cut_off_a_checkpoint(path: Path) -> None:
    with path.open("r+b") as file:
        header = bytearray(file.read(100))
        (change,) = struct.unpack_from(">I", header, 24)
        struct.pack_into(">I", header, 28, 60)
        struct.pack_into(">I", header, 92, change)
        file.seek(0)
        file.write(header)
        file.seek(0, 2)
        file.write(b"x" * 100)  # within a page


def test_what_is_neither_in_the_file_nor_in_the_log_is_missing(path: Path) -> None:
    connection = open_file(path, SCHEMA)
    connection.execute("UPDATE t SET x = x'00' WHERE rowid = 1")
    log = path.with_name("data.db-wal")
    contents = (path.read_bytes(), log.read_bytes())
    connection.close()
    path.write_bytes(contents[0][:-8192])
    log.write_bytes(contents[1])
    with pytest.raises(DatabaseRefused, match="it is truncated: page"):
        open_file(path, SCHEMA)
    assert log.read_bytes() == contents[1]
    assert path.read_bytes() == contents[0][:-8192]


def test_a_file_that_was_emptied_is_named_as_that_and_keeps_its_log(path: Path) -> None:
    """SQLite would remove the log, even from under those who have both open."""
    connection = open_file(path, SCHEMA)
    connection.execute("UPDATE t SET x = x'00' WHERE rowid = 1")
    log = path.with_name("data.db-wal")
    before = log.read_bytes()
    os.truncate(path, 0)
    with pytest.raises(DatabaseRefused, match=r"it is empty, and data.db-wal beside it is not: it was truncated"):
        open_file(path, SCHEMA)
    assert path.stat().st_size == 0
    assert log.read_bytes() == before
    connection.close()


def test_a_file_that_is_gone_is_not_made_anew_beside_a_log_with_commits(path: Path) -> None:
    """SQLite would remove the log, and what is put back later would have lost what the log held."""
    connection = open_file(path, SCHEMA)
    connection.execute("UPDATE t SET x = x'00' WHERE rowid = 1")
    aside, log = path.with_name("aside.db"), path.with_name("data.db-wal")
    before = log.read_bytes()
    path.rename(aside)
    with pytest.raises(DatabaseRefused, match=r"it is not there, and data.db-wal beside it is: put the file back, or"):
        open_file(path, SCHEMA)
    assert not path.exists()
    assert log.read_bytes() == before
    aside.rename(path)
    open_file(path, SCHEMA).close()
    connection.close()


@pytest.mark.parametrize("left", [b"left by the file before", b"", bytes(100)])
def test_a_file_that_is_gone_is_made_anew_beside_a_log_without_any(path: Path, left: bytes) -> None:
    path.unlink()
    log = path.with_name("data.db-wal")
    log.write_bytes(left)
    connection = open_file(path, SCHEMA)
    assert connection.pragma("user_version") == len(SCHEMA.migrations)
    connection.close()


def _log(pages: list[int], count: int) -> bytes:
    """As much of a write-ahead log of 4 KB pages as is looked at."""
    salts = b"12345678"
    log = struct.pack(">III", 0x377F0682, 3007000, 4096) + bytes(4) + salts + bytes(8)
    for page in pages:
        log += struct.pack(">II", page, count if page == pages[-1] else 0) + salts + bytes(8) + bytes(4096)
    return log


def test_the_page_that_sqlite_never_writes_is_not_missing(path: Path) -> None:
    """At 1 GiB are the bytes that SQLite locks (file format, "The Lock-Byte Page")."""
    before = (1 << 30) // 4096
    os.truncate(path, before * 4096)
    log = path.with_name("data.db-wal")
    log.write_bytes(_log([1, before + 2, before + 3], before + 3))
    assert damage_of(path) is None
    log.write_bytes(_log([1, before + 3], before + 3))
    assert damage_of(path) == f"it is truncated: page {before + 2} of {before + 3} is missing"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed; nothing else ends a process there")
@pytest.mark.parametrize("removal", [1, 2])
def test_a_file_whose_maker_was_killed_is_made_by_the_next(tmp_path: Path, removal: int) -> None:
    path = tmp_path / "data.db"
    program = (
        "import sys; from pathlib import Path; from exporter.database.opening import Schema, open_file;"
        "open_file(Path(sys.argv[1]), Schema(0x1234, 'a test', ('CREATE TABLE t (x BLOB)',))).close(); print('made')"
    )
    making = [sys.executable, "-c", program, str(path)]
    killed = ["-e", "trace=unlink", "-e", f"inject=unlink:signal=SIGKILL:when={removal}"]
    done = subprocess.run(["strace", "-f", "-qq", *killed, *making], capture_output=True, check=False, timeout=60)
    assert done.returncode != 0
    assert b"made" not in done.stdout
    connection = open_file(path, SCHEMA)
    assert connection.pragma("integrity_check") == "ok"
    assert connection.pragma("auto_vacuum") == 2
    connection.close()


def test_a_foreign_journal_is_not_undone(path: Path) -> None:
    _foreign_application(path)
    journal = path.with_name("data.db-journal")
    journal.write_bytes(b"somebody is in the middle of something")
    before = (path.read_bytes(), journal.read_bytes())
    with pytest.raises(DatabaseRefused, match=r"data\.db-journal beside it belongs to an unfinished transaction"):
        open_file(path, SCHEMA)
    assert (path.read_bytes(), journal.read_bytes()) == before


def test_opening_writes_nothing_and_waits_for_no_writer(path: Path) -> None:
    writer = open_file(path, SCHEMA)
    writer.execute("BEGIN IMMEDIATE")
    log = path.with_name("data.db-wal")
    before = (path.read_bytes(), log.read_bytes())
    opened = open_file(path, SCHEMA)
    assert (path.read_bytes(), log.read_bytes()) == before
    opened.close()
    writer.execute("ROLLBACK")
    writer.close()


async def test_a_connection_beside_leaves_the_locks_of_the_first_alone(path: Path) -> None:
    """The bytes of the shared lock, which tells other processes that somebody still uses the log."""
    program = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"

    def others_may_lock_it() -> bool:
        return not subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=False).returncode

    assert others_may_lock_it()
    async with Database.open(path, SCHEMA) as database:
        assert not others_may_lock_it()
        async with database.second_connection() as second_connection:
            assert await second_connection.read(lambda connection: connection.pragma("synchronous")) == 2
            assert not others_may_lock_it()
        assert not others_may_lock_it()


def test_a_foreign_database_keeps_its_log(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    program = (
        "import apsw, os, sys; c = apsw.Connection(sys.argv[1]); c.pragma('journal_mode', 'wal');"
        "c.execute('CREATE TABLE theirs (x)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
    log = path.with_name("theirs.db-wal")
    before = (path.read_bytes(), log.read_bytes())
    with pytest.raises(DatabaseRefused):
        open_file(path, SCHEMA)
    assert (path.read_bytes(), log.read_bytes()) == before


def test_an_empty_file_counts_as_new_and_folders_are_made(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    for path in (empty, tmp_path / "a" / "b" / "new.db"):
        connection = open_file(path, SCHEMA)
        assert connection.pragma("application_id") == 0x1234
        assert connection.pragma("user_version") == 1
        connection.close()
    assert (tmp_path / "a" / "b" / "new.db").stat().st_mode & 0o077 == 0


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="it is a folder"):
        open_file(tmp_path, SCHEMA)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "data.db", tmp_path / "file" / "deeper" / "data.db"):
        with pytest.raises(DatabaseRefused) as refused:
            open_file(path, SCHEMA)
        assert refused.value.reason == f"{tmp_path / 'file'} is a file, and no folder"


def test_later_migrations_are_applied_once_and_wholly(path: Path) -> None:
    broken = Schema(
        SCHEMA.application_id, SCHEMA.what, (*SCHEMA.migrations, "CREATE TABLE u (x); SELECT no_function()")
    )
    with pytest.raises(apsw.SQLError):
        open_file(path, broken)
    newer = Schema(SCHEMA.application_id, SCHEMA.what, (*SCHEMA.migrations, "CREATE TABLE u (x)", "CREATE TABLE v (x)"))
    for _ in range(2):
        connection = open_file(path, newer)
        assert connection.pragma("user_version") == 3
        assert connection.execute("SELECT count(*) FROM t").get == 50
        connection.close()
    with pytest.raises(DatabaseRefused, match="newer"):
        open_file(path, SCHEMA)


def test_several_processes_may_make_the_file_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    program = (
        "import sys; from pathlib import Path; from exporter.database.opening import Schema, open_file;"
        "c = open_file(Path(sys.argv[1]), Schema(0x1234, 'a test', ('CREATE TABLE t (x BLOB)',)));"
        "c.execute('INSERT INTO t VALUES (1)')"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, path]) for _ in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    connection = open_file(path, SCHEMA)
    assert connection.execute("SELECT count(*) FROM t").get == 6
    connection.close()


async def test_a_file_that_others_hold_for_too_long_is_unavailable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.database.opening.BUSY_SECONDS", 0.2)
    other = apsw.Connection(str(path))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(DatabaseUnavailable, match="another process"):
            async with Database.open(path, SCHEMA):
                pytest.fail("it was opened")
    finally:
        other.close()
