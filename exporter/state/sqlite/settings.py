"""State in one SQLite file: its settings, and how they open it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from exporter.sections.paths import FilePath
from exporter.sections.section import Section

if TYPE_CHECKING:
    pass


class SqliteSettings(Section):
    """Dead letters and mapping times in a file of their own, never the queue's."""

    kind: Literal["sqlite"] = "sqlite"
    path: FilePath = Field(default=Path("data/state.db"), description="The SQLite file; made when it is not there.")

    def exists(self) -> bool:
        """Whether there is a store already; a command that only looks makes none."""
        try:
            return self.path.exists()
        except OSError:
            return True  # nobody can tell, and whoever opens it says why
