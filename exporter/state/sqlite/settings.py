"""The section ``state`` of the configuration for kind ``sqlite``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from exporter.sections.paths import DatabasePath
from exporter.sections.section import Section


class SqliteSettings(Section):
    """Dead letters and mapping times in a separate file, never the queue's."""

    kind: Literal["sqlite"] = "sqlite"
    path: DatabasePath = Field(Path("../data/state.db"), description="The SQLite file; made when it is not there.")

    def exists(self) -> bool:
        """Whether there is a store already; a command that only looks creates no store.

        A log without its file counts as one: opening says that the file is to be put back.
        """
        try:
            return self.path.exists() or self.path.with_name(f"{self.path.name}-wal").exists()
        except OSError:
            return True  # unknown; opening the file will say why
