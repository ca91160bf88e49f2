"""Which version of the exporter's tables a file has, found without opening it for writing: it may be a neighbour's."""

from __future__ import annotations

import os
import struct
from contextlib import closing
from pathlib import Path

import apsw

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 72


def schema_version(path: Path, application_id: int) -> int | None:
    """The number of migrations that ``path`` has been through; None where that cannot be told.

    So of a file that is not the exporter's of that kind (``Schema.application_id``), not whole, or not to be read.
    """
    real = os.path.realpath(path)
    try:
        # While anybody has the file open, this process too, a log stands beside it. The log may hold the version, and
        # to close a file that was read as bytes would take away the locks that this process has on it.
        marks = _asked(real) if os.path.exists(f"{real}-wal") else _read(real)  # noqa: PTH110 - pathlib may raise
    except (OSError, apsw.Error, struct.error):
        return None
    version, found_id = marks
    return version if found_id == application_id else None


def _asked(path: str) -> tuple[int, int]:
    with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.pragma("user_version"), connection.pragma("application_id")


def _read(path: str) -> tuple[int, int]:
    """As ``_asked``, by the layout of the header (the SQLite file format, "The Database Header")."""
    with Path(path).open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header.startswith(_MAGIC):
        return 0, 0
    version, application_id = struct.unpack_from(">I4xI", header, 60)
    return version, application_id
