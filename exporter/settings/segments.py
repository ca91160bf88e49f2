"""Segments in the configuration: the catalogue, and which of them a destination maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from exporter.settings.mistakes import Mistake, mistakes
from exporter.settings.section import Section

#: Namespace and id: opaque, compared exactly (DESIGN 2.1).
SegmentKey = tuple[str, str]

Milliseconds = Annotated[int, Field(ge=0, description="Epoch milliseconds.")]
_NAMESPACE = Field(default="ups", min_length=1, description="The key under segmentMembership.")
_ID = Field(min_length=1, description="The segment's id; opaque, its case matters.")


class CatalogueSegment(Section):
    """What is known of a segment apart from any destination; names and timestamps are taken from it."""

    id: str = _ID
    namespace: str = _NAMESPACE
    name: str | None = Field(default=None, description="Sent where include_segment_names is on.")
    created_at: Milliseconds | None = Field(default=None, description="When the segment was made, in epoch ms.")
    updated_at: Milliseconds | None = Field(default=None, description="When it was last changed, in epoch ms.")

    @property
    def key(self) -> SegmentKey:
        """What segments are told apart by."""
        return self.namespace, self.id


class SegmentMapping(Section):
    """One segment that a destination maps; just its id where nothing else is to be said."""

    id: str = _ID
    namespace: str = _NAMESPACE
    mapping_created_at: Milliseconds | None = Field(
        default=None, description="When it was mapped to this destination, in epoch ms; null: when first seen."
    )
    mapping_updated_at: Milliseconds | None = Field(
        default=None, description="When the mapping last changed, in epoch ms; null: as mapping_created_at."
    )

    @property
    def key(self) -> SegmentKey:
        """What segments are told apart by."""
        return self.namespace, self.id


def _from_id(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


MappedById = Annotated[SegmentMapping, BeforeValidator(_from_id, json_schema_input_type=str | SegmentMapping)]


def once(keys: Sequence[SegmentKey], what: str) -> None:
    """Raise PydanticCustomError, at each that repeats, if a segment is there twice."""
    first: dict[SegmentKey, int] = {}
    found: list[Mistake] = []
    for index, key in enumerate(keys):
        if key in first:
            found.append(Mistake((index,), f"this segment is {what} twice (first at [{first[key]}])"))
        first.setdefault(key, index)
    if found:
        raise mistakes(found)
