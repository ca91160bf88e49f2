"""Gives the space of deleted letters back to the file system."""

from __future__ import annotations

from typing import Final

import apsw

from exporter.state.sqlite.file import StateFile

#: The most pages of the file that a write gives back, so that a running daemon hardly waits.
SHRINK_PAGES: Final = 2000


async def shrink(file: StateFile) -> None:
    """Give free pages back, in steps.

    Raises:
        StateUnavailable: the file cannot be written now.
    """
    while await file.write(_shrink):
        pass


def _shrink(connection: apsw.Connection) -> bool:
    """Give up to ``SHRINK_PAGES`` free pages back to the file system; return whether to go on."""
    before = connection.pragma("freelist_count")
    connection.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES:d})").fetchall()
    return bool(0 < connection.pragma("freelist_count") < before)
