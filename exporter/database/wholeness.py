"""Whether an SQLite file is whole, judged from the bytes alone, before SQLite touches the file.

SQLite opens a file that lost its tail and fails only at a missing page, and closing the last connection writes. So a
damaged file is found here, by reading. Layouts: the SQLite file format, "The Database Header" and "The Write-Ahead
Log".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
#: SQLite locks bytes from here on and never writes to the page of these bytes ("The Lock-Byte Page").
_LOCK_BYTE = 0x40000000


def damage(path: Path) -> str | None:
    """The damage of a non-empty file, or None where the file can be opened.

    Pages that are missing at the end count as present if the write-ahead log holds them, as after a crash in the
    middle of a checkpoint.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if header.count(0) == len(header):
            return "its header is zeroed"
        if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
            return "it is not an SQLite database"
        page_bytes = _page_bytes(header)
        if page_bytes is None:
            return "its header is damaged"
        size = file.seek(0, 2)
    whole, rest = divmod(size, page_bytes)
    logged_pages, logged_count = _logged(path.with_name(path.name + "-wal"), page_bytes)
    if logged_count is not None:
        there = logged_pages | {_LOCK_BYTE // page_bytes + 1}
        missing = next((page for page in range(whole + 1, logged_count + 1) if page not in there), None)
        return f"it is truncated: page {missing} of {logged_count} is missing" if missing else None
    if rest:
        return f"it is truncated: its last page has {rest} of {page_bytes} bytes"
    count = _counted_pages(header)
    if count is not None and whole < count:
        return f"it is truncated: {whole} of {count} pages are there"
    return None


def has_commits(wal: Path) -> bool:
    """Whether a write-ahead log holds a commit, be it in the database too or not.

    Raises:
        OSError: the log is there and cannot be read.
    """
    try:
        with wal.open("rb") as file:
            header = file.read(_WAL_HEADER_BYTES)
    except FileNotFoundError:
        return False
    if len(header) < _WAL_HEADER_BYTES:
        return False
    magic, page_bytes = struct.unpack_from(">I4xI", header)
    return magic in _WAL_MAGIC and _logged(wal, page_bytes)[1] is not None


def marks(path: Path) -> tuple[int, int]:
    """The application id and the user version in the header, 0 for none and for a header that is not there.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        return 0, 0
    version, application_id = struct.unpack_from(">I4xI", header, 60)
    return application_id, version


def _page_bytes(header: bytes) -> int | None:
    (size,) = struct.unpack_from(">H", header, 16)
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else None


def _counted_pages(header: bytes) -> int | None:
    """The page count in the header, which old versions of SQLite do not keep up to date."""
    change, count = struct.unpack_from(">II", header, 24)
    (valid_for,) = struct.unpack_from(">I", header, 92)
    return count if change == valid_for and count else None


def _logged(wal: Path, page_bytes: int) -> tuple[frozenset[int], int | None]:
    """The pages in the write-ahead log up to its last commit, and the database's page count after it."""
    try:
        file = wal.open("rb")
    except FileNotFoundError:
        return frozenset(), None
    with file:
        header = file.read(_WAL_HEADER_BYTES)
        if len(header) < _WAL_HEADER_BYTES or struct.unpack_from(">I", header, 8)[0] != page_bytes:
            return frozenset(), None
        pages: set[int] = set()
        committed: frozenset[int] = frozenset()
        count: int | None = None
        for page, count_after in _frames(file, header[16:24], page_bytes):
            pages.add(page)
            if count_after:
                committed, count = frozenset(pages), count_after
        return committed, count


def _frames(file: BinaryIO, salts: bytes, page_bytes: int) -> Iterator[tuple[int, int]]:
    """Page number and page count after a commit (else 0) of every frame that belongs to the log's present round."""
    while len(frame := file.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES and frame[8:16] == salts:
        page, count_after = struct.unpack_from(">II", frame, 0)
        yield page, count_after
        file.seek(page_bytes, 1)
