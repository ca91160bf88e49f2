"""The section ``queue`` of the configuration for kind ``journal``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from exporter.sections.paths import DatabasePath
from exporter.sections.quantities import Duration, Size
from exporter.sections.section import Section

#: The tables themselves have half of it, so nothing could be published within less.
_LEAST_BYTES = 64 * 1024


class JournalSettings(Section):
    """A queue in a local file."""

    kind: Literal["journal"] = "journal"
    path: DatabasePath = Field(Path("../data/queue.db"), description="The queue's file; its folder is created.")
    max_bytes: Annotated[int, Size(least=_LEAST_BYTES)] = Field(
        10 * 1024**3,
        description="Publishing fails beyond it; nothing unread is dropped. The log beside it is not counted.",
    )
    retain: Annotated[float, Duration()] = Field(
        0.0,
        description="How long what every group has passed is kept, so that `positions seek` can go back, such "
        "as 12h or 7d. Within max_bytes: three quarters full, it is dropped before its time.",
    )
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")
