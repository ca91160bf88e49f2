"""The section ``backfill``: how fast profiles are told again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.sections.quantities import Rate
from exporter.sections.section import Section


class BackfillSettings(Section):
    """How fast profiles are told again to a destination."""

    rate: Annotated[float, Rate(above=0)] = Field(
        default=500.0, description="Profiles a second, all backfills together."
    )
    lag: int = Field(default=1000, ge=0, description="Only while fewer events wait for the destination; 0: never.")
