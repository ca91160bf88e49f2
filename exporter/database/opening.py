"""Opening an SQLite file: refuse a foreign or damaged file, create and migrate the exporter's own."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import apsw

from exporter.database.checkpoints import TOO_MANY_PAGES
from exporter.database.failures import BUSY_SECONDS, DatabaseUnavailable, said_by_system, unavailable
from exporter.database.obstacles import PASSING, Obstacle, descriptors_left, make_way
from exporter.database.snapshot import snapshot
from exporter.database.wholeness import damage, has_commits, marks

_NAP_SECONDS = 0.001
_PAGE_BYTES = 4096
_INCREMENTAL = 2
#: The most that a file has before the write-ahead log takes all writes; a foreign file of this size has no table.
_HALF_MADE_BYTES = _PAGE_BYTES
#: A log that begins anew keeps its size up to here: a commit that writes over old pages waits a third as long for the
#: disk as a commit that makes the file longer. The log gets as long as this while checkpoints come to their end.
_LOG_BYTES_KEPT = 2 * TOO_MANY_PAGES * _PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema that a file is to have.

    Attributes:
        application_id: a number that marks the exporter's files of this kind, 1 to 2**31 - 1 (SQLite's
            ``application_id``).
        what: the name of the kind, for messages: "a queue".
        migrations: scripts of SQL; the n-th brings ``user_version`` from n to n + 1. Only ever appended to.
    """

    application_id: int
    what: str
    migrations: tuple[str, ...]


class DatabaseRefused(Exception):
    """The file cannot be used, and was left as it is.

    Attributes:
        path: the file.
        reason: why, for people.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def open_file(path: Path, schema: Schema) -> apsw.Connection:
    """A connection to ``path``, created or migrated to ``schema``; the folder is created too.

    Write-ahead log, synchronous FULL (each commit is on the disk before it returns), incremental vacuum.

    Raises:
        DatabaseRefused: the file is no SQLite file, damaged, another program's or a newer version's, or cannot be
            opened for writing.
        DatabaseUnavailable: a failure that may pass: the disk is full, for example, or another process holds the file
            for too long.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    real = Path(os.path.realpath(path))  # SQLite puts its side files beside the file itself
    try:
        _refuse_unusable(real, schema, deadline)
        while True:
            try:
                return _opened(real, schema)
            except apsw.BusyError:
                # Switching a new file to a write-ahead log asks for an exclusive lock without waiting for it.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
    except Obstacle as error:
        raise DatabaseRefused(path, str(error)) from error
    except OSError as error:
        if error.errno in PASSING:
            raise DatabaseUnavailable(f"{path}: {error.strerror}") from error
        raise DatabaseRefused(path, said_by_system(error)) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise DatabaseRefused(path, f"it is damaged ({error})") from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        if not descriptors_left():
            raise DatabaseUnavailable(f"{path}: {os.strerror(errno.EMFILE)}") from error
        raise DatabaseRefused(path, f"it cannot be opened for writing ({error})") from error
    except apsw.Error as error:
        _raise_known(path, error)


def _raise_known(path: Path, error: apsw.Error) -> NoReturn:
    known = unavailable(error)
    if known is None:
        raise error
    raise DatabaseUnavailable(f"{path}: {known.reason}") from error


def _refuse_unusable(path: Path, schema: Schema, deadline: float) -> None:
    if (wrong := _lasting(lambda: orphaned_log(path), deadline)) is not None:
        raise DatabaseRefused(path, wrong)
    make_way(path)
    if path.stat().st_size == 0:
        return
    _undo_half_made(path, schema)
    if path.stat().st_size == 0:
        return
    if (wrong := _lasting(lambda: damage(path), deadline)) is not None:
        raise DatabaseRefused(path, f"{wrong}; it was left as it is")
    _refuse_foreign(path, schema)


def _lasting(look: Callable[[], str | None], deadline: float) -> str | None:
    """What ``look`` goes on to find wrong; None as soon as ``look`` finds nothing.

    Another process may be checkpointing, which for a moment looks the same as a truncated file, or may have made the
    file anew, and be about to remove what an earlier one left.
    """
    while (wrong := look()) is not None and time.monotonic() <= deadline - BUSY_SECONDS * 0.9:
        time.sleep(0.02)
    return wrong


def orphaned_log(path: Path) -> str | None:
    """Why a file that is empty, or not there, cannot be opened: its log holds commits, and SQLite would remove the log,
    even from under those who have both open.

    Raises:
        OSError: the log cannot be read.
    """
    log = path.with_name(path.name + "-wal")
    try:
        if path.stat().st_size:
            return None
        wrong = (
            f"it is empty, and {log.name} beside it is not: it was truncated, and left as it is; "
            "put both back from a copy, or remove both to begin anew"
        )
    except FileNotFoundError:
        wrong = f"it is not there, and {log.name} beside it is: put the file back, or remove that, too, to begin anew"
    except OSError:
        return None  # what is in the way is told by the next step
    return wrong if has_commits(log) else None


def _undo_half_made(path: Path, schema: Schema) -> None:
    """Let SQLite undo the work of a process that ended while making the file.

    Until a new file has a write-ahead log, SQLite writes with a rollback journal, which a connection that only reads
    cannot undo.
    """
    if not path.with_name(path.name + "-journal").exists():
        return
    if path.stat().st_size > _HALF_MADE_BYTES or marks(path)[0] not in (0, schema.application_id):
        return
    with closing(connected(path)) as connection:
        connection.pragma("user_version")


def _refuse_foreign(path: Path, schema: Schema) -> None:
    """Refuse a foreign file or a newer schema, seen through a connection that cannot write, not even when closed."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        with snapshot(connection):
            application_id = connection.pragma("application_id")
            version = connection.pragma("user_version")
            objects = connection.execute("SELECT count(*) FROM sqlite_schema").get
    except apsw.ReadOnlyError as error:
        if not path.with_name(path.name + "-journal").exists():
            raise
        raise DatabaseRefused(path, f"{path.name}-journal beside it belongs to an unfinished transaction") from error
    finally:
        connection.close()
    if application_id == 0 and version == 0 and objects == 0:
        return  # created, but the process ended before filling the file
    if application_id != schema.application_id:
        raise DatabaseRefused(path, f"it is not {schema.what} of exporter (application id {application_id})")
    if version > len(schema.migrations):
        raise DatabaseRefused(
            path, f"it was written by a newer exporter (schema {version}; this one knows {len(schema.migrations)})"
        )


def connected(path: Path) -> apsw.Connection:
    """A connection to an existing file, which waits ``BUSY_SECONDS`` for other processes.

    Raises:
        apsw.Error: SQLite cannot open the file.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_handler(_patience(BUSY_SECONDS))
    return connection


def _opened(path: Path, schema: Schema) -> apsw.Connection:
    connection = connected(path)
    try:
        if connection.pragma("auto_vacuum") != _INCREMENTAL:
            connection.pragma("auto_vacuum", _INCREMENTAL)  # on a new file: no effect once there is a table
        connection.pragma("journal_mode", "wal")
        _set_up(connection)
        _migrate(connection, path, schema)
    except BaseException:
        connection.close()
        raise
    return connection


def open_beside(path: Path) -> apsw.Connection:
    """Another connection to a file that this process has open.

    No bytes are looked at: closing a file takes away all locks of the process on that file (POSIX advisory locks),
    also the locks of open connections.

    Raises:
        DatabaseUnavailable: the file cannot be opened now.
    """
    try:
        with ExitStack() as trying:
            connection = trying.enter_context(closing(connected(path)))
            _set_up(connection)
            trying.pop_all()
    except apsw.Error as error:
        _raise_known(path, error)
    return connection


def _set_up(connection: apsw.Connection) -> None:
    connection.pragma("synchronous", 2)  # FULL
    connection.pragma("journal_size_limit", _LOG_BYTES_KEPT)


def _patience(seconds: float) -> Callable[[int], bool]:
    """A busy handler with short naps: SQLite's own, of up to 100 ms, lose against a process that always commits."""
    until = 0.0

    def wait(tries: int) -> bool:
        nonlocal until
        now = time.monotonic()
        if tries == 0:
            until = now + seconds
        elif now >= until:
            return False
        time.sleep(_NAP_SECONDS)
        return True

    return wait


def _migrate(connection: apsw.Connection, path: Path, schema: Schema) -> None:
    if connection.pragma("user_version") == len(schema.migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.pragma("user_version")  # again: another process may have been quicker
        if version > len(schema.migrations):
            raise DatabaseRefused(path, "a newer exporter has just changed it")
        for script in schema.migrations[version:]:
            connection.execute(script)
        connection.pragma("application_id", schema.application_id)
        connection.pragma("user_version", len(schema.migrations))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
