"""Which version of the exporter's tables a file has, found without opening it for writing: it may be a neighbour's."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import apsw

from exporter.database.wholeness import marks


def schema_version(path: Path, application_id: int) -> int | None:
    """The number of migrations that ``path`` has been through; None where that cannot be told.

    So of a file that is not the exporter's of that kind (``Schema.application_id``), not whole, or not to be read.
    """
    real = os.path.realpath(path)
    try:
        # While anybody has the file open, this process too, a log stands beside it. The log may hold the version, and
        # to close a file that was read as bytes would take away the locks that this process has on it.
        found_id, version = _asked(real) if os.path.exists(f"{real}-wal") else marks(Path(real))  # noqa: PTH110 - pathlib may raise
    except (OSError, apsw.Error):
        return None
    return version if found_id == application_id else None


def _asked(path: str) -> tuple[int, int]:
    """As ``marks``, through SQLite."""
    with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.pragma("application_id"), connection.pragma("user_version")
