"""Which errors of SQLite and of the system mean that the database cannot work now, in the exporter's words."""

from __future__ import annotations

import apsw

BUSY_SECONDS = 5.0

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (apsw.FullError, "the disk is full"),
    (apsw.BusyError, f"another process has held the database for more than {BUSY_SECONDS:g} s"),
    (apsw.LockedError, "the database is locked"),
    (apsw.CorruptError, "the database is damaged"),
    (apsw.NotADBError, "the file is no SQLite database any more"),
    (apsw.ReadOnlyError, "the database cannot be written"),
    (apsw.PermissionsError, "the database may not be used"),
    (apsw.CantOpenError, "the database cannot be opened"),
    (apsw.IOError, "reading or writing the disk failed"),
    (apsw.NoMemError, "out of memory"),
    (apsw.ProtocolError, "locking the database failed"),
    (apsw.NoLFSError, "the file cannot become that large here"),
    (MemoryError, "out of memory"),
)


class DatabaseUnavailable(Exception):
    """The database cannot work now; the same call may succeed later.

    Attributes:
        reason: the trouble, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileLost(DatabaseUnavailable):
    """The open file does not stand under its name any more as it was, or that cannot be told."""


class FileReplaced(FileLost):
    """A different file stands under the name of the open file."""


def unavailable(error: BaseException) -> DatabaseUnavailable | None:
    """The same failure in the exporter's words, or None if ``error`` is a bug and no trouble with the file."""
    if isinstance(error, DatabaseUnavailable):
        return error
    if isinstance(error, OSError):
        return DatabaseUnavailable(said_by_system(error))
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return DatabaseUnavailable(f"{reason} ({error})" if str(error) else reason)
    return None


def said_by_system(error: OSError) -> str:
    """An error of the system in words, with the file where ``error`` names a file."""
    reason = error.strerror or type(error).__name__
    return reason if error.filename is None else f"{error.filename}: {reason}"
