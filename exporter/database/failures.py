"""Which of SQLite's errors mean that the database cannot work now, and how to say so."""

from __future__ import annotations

import apsw

BUSY_SECONDS = 5.0

_REASONS: tuple[tuple[type[apsw.Error], str], ...] = (
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
)


class DatabaseUnavailable(Exception):
    """The database cannot do this now; the same call may succeed later.

    Attributes:
        reason: what is wrong, for people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def unavailable(error: BaseException) -> DatabaseUnavailable | None:
    """The same failure in our words, or None if ``error`` is a bug and no trouble with the file."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return DatabaseUnavailable(f"{reason} ({error})")
    return None
