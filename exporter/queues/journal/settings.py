"""The section ``queue`` of the configuration for kind ``journal``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field

from exporter.sections.durations import Duration
from exporter.sections.paths import FilePath
from exporter.sections.section import Section


class JournalSettings(Section):
    """A queue in a local file."""

    kind: Literal["journal"] = "journal"
    path: FilePath = Field(Path("../data/queue.db"), description="The queue's file; its folder is created.")
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
