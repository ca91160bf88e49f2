"""State in one SQLite file: its settings, and how they open it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from exporter.settings.paths import FilePath
from exporter.settings.section import Section

if TYPE_CHECKING:
    from exporter.state.port import Segment, State


class SqliteSettings(Section):
    """Dead letters and mapping times in a file of their own, never the queue's."""

    kind: Literal["sqlite"] = "sqlite"
    path: FilePath = Field(default=Path("data/state.db"), description="The SQLite file; made when it is not there.")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[State]:
        """Open the store, making file and folder where they are missing.

        Raises:
            DatabaseRefused: the file is not one of ours, damaged, or from a newer version.
            DatabaseUnavailable: it cannot be reached or written now.
        """
        from exporter.state.opened import open_sqlite

        async with open_sqlite(self.path) as state:
            yield state

    def exists(self) -> bool:
        """Whether there is a store already; a command that only looks makes none."""
        try:
            return self.path.exists()
        except OSError:
            return True  # nobody can tell, and whoever opens it says why

    def known_mapping_times(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        """(created, updated) in epoch milliseconds of each mapping that a daemon noted; makes and changes nothing."""
        from exporter.state.opened import look_up_mapping_times

        return look_up_mapping_times(self.path, destination)
