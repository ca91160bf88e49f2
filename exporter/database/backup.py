"""Copies several databases as they are at one moment, while other processes use them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import apsw

from exporter.database.failures import unavailable

#: How long a copy waits for a writer to end its transaction, in milliseconds.
BUSY_MS: Final = 30_000


class BackupFailed(Exception):
    """A database could not be copied; the text names the file and says why."""


def back_up(files: Mapping[Path, Path]) -> None:
    """Copy each database to its new file, all of them as they are at one moment; the copies are private and durable.

    Writers wait while the moment is pinned, for some milliseconds, and go on while the copies are written. What was
    copied before a failure is deleted.

    Raises:
        BackupFailed: a database is not there or cannot be read, or a new file is there or cannot be written.
    """
    made: list[Path] = []
    try:
        with ExitStack() as stack:
            for (source, target), reader in zip(files.items(), _pinned(stack, list(files)), strict=True):
                _copy(source, reader, target, made)
    except BaseException:
        for target in made:
            target.unlink(missing_ok=True)
        raise


def _pinned(stack: ExitStack, files: Sequence[Path]) -> list[apsw.Connection]:
    """Connections that all see their databases as they are at one moment: nobody can write to any while they begin."""
    readers = [_opened(stack, file) for file in files]
    with ExitStack() as writing:
        for file in files:
            writer = _opened(writing, file)
            _run(file, writer, "BEGIN IMMEDIATE")
            writing.callback(writer.execute, "ROLLBACK")
        for file, reader in zip(files, readers, strict=True):
            _run(file, reader, "BEGIN")
            _run(file, reader, "SELECT count(*) FROM sqlite_schema")
    return readers


def _opened(stack: ExitStack, file: Path) -> apsw.Connection:
    try:
        connection = stack.enter_context(closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)))
    except apsw.Error as error:
        raise BackupFailed(f"{file} cannot be opened: {error}") from error
    connection.set_busy_timeout(BUSY_MS)
    return connection


def _run(file: Path, connection: apsw.Connection, statement: str) -> None:
    try:
        connection.execute(statement).fetchall()
    except apsw.Error as error:
        raise BackupFailed(f"{file} cannot be read: {error}") from error


def _copy(source: Path, reader: apsw.Connection, target: Path, made: list[Path]) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        made.append(target)
        with (
            closing(apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)) as copy,
            copy.backup("main", reader, "main") as backup,
        ):
            while not backup.done:
                backup.step(1000)
        for path in (target, target.parent):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise BackupFailed(f"{target} cannot be written: {error.strerror}") from error
    except apsw.Error as error:
        raise BackupFailed(f"{source} cannot be copied to {target}: {_said(error)}") from error


def _said(error: apsw.Error) -> str:
    """Why a copy failed. A backup says what failed by the kind of the error alone: its text is `not an error`."""
    trouble = unavailable(error)
    if trouble is None:
        return str(error)
    return trouble.reason.removesuffix(" (not an error)")
