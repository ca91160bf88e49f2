"""The section ``queue`` of the configuration for kind ``journal``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field

from exporter.queues.port import Queue
from exporter.settings.durations import Duration
from exporter.settings.paths import FilePath
from exporter.settings.section import Section


class JournalSettings(Section):
    """A queue in one file on this machine."""

    kind: Literal["journal"] = "journal"
    path: FilePath = Field(Path("data/queue.db"), description="The queue's file; its folder is created.")
    max_bytes: ByteSize = Field(
        ByteSize(10 * 1024**3),
        gt=0,
        description="Publishing fails beyond it; nothing unread is dropped. The log beside it is not counted.",
    )
    retain: Duration = Field(
        0.0,
        description="How long what every group has passed is kept, so that `positions seek` can go back: seconds, or "
        "such as 12h or 7d. Within max_bytes: three quarters full, it is dropped before its time.",
    )
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")

    def open(
        self, groups: Collection[str], warn: Callable[[str], None], badge: str = ""
    ) -> AbstractAsyncContextManager[Queue]:
        """Open the file; ``groups`` are those that the configuration names, now and later; ``warn`` gets what
        people should know; ``badge`` is what others see of who reads.

        Raises:
            DatabaseRefused: it cannot be used.
            DatabaseUnavailable: it cannot be opened now.
        """
        from exporter.queues.journal.queue import open_journal

        return open_journal(
            self.path,
            max_bytes=int(self.max_bytes),
            retain_seconds=self.retain,
            groups=groups,
            warn=warn,
            badge=badge,
        )
