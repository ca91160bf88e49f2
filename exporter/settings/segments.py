"""Segments in the configuration: the catalogue, and the mapped segments of a destination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from exporter.sections.mistakes import Mistake, mistakes
from exporter.sections.section import Section

#: Namespace and id: opaque, compared exactly (contract.md#the-event).
SegmentKey = tuple[str, str]

#: Where a segment may stand only once, for messages.
LISTED, MAPPED = "in the catalogue", "mapped"

Milliseconds = Annotated[int, Field(ge=0, description="Epoch milliseconds.")]
_DEFAULT_NAMESPACE = "ups"


class _Segment(Section):
    id: str = Field(min_length=1, description="The segment's id; opaque, its case matters.")
    namespace: str = Field(default=_DEFAULT_NAMESPACE, min_length=1, description="The key under segmentMembership.")

    @property
    def key(self) -> SegmentKey:
        """The identity of a segment."""
        return self.namespace, self.id


class CatalogueSegment(_Segment):
    """What is known of a segment apart from any destination; names and timestamps are taken from it."""

    name: str | None = Field(default=None, description="Sent where include_segment_names is on.")
    created_at: Milliseconds | None = Field(default=None, description="When the segment was made, in epoch ms.")
    updated_at: Milliseconds | None = Field(default=None, description="When it was last changed, in epoch ms.")


class SegmentMapping(_Segment):
    """One segment that a destination maps; just its id where nothing else is to be said."""

    mapping_created_at: Milliseconds | None = Field(
        default=None, description="When it was mapped to this destination, in epoch ms; null: when first seen."
    )
    mapping_updated_at: Milliseconds | None = Field(
        default=None, description="When the mapping last changed, in epoch ms; null: as mapping_created_at."
    )


def _from_id(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


MappedById = Annotated[SegmentMapping, BeforeValidator(_from_id, json_schema_input_type=str | SegmentMapping)]


def once(keys: Sequence[SegmentKey], what: str) -> None:
    """Check that no segment stands in a list twice.

    Raises:
        PydanticCustomError: a mistake at each repetition.
    """
    found = list(_repeated(keys, what))
    if found:
        raise mistakes(found)


def repeated(listed: object, what: str) -> Iterator[Mistake]:
    """The segments that a list, as written, holds twice; also where the list has other mistakes."""
    return _repeated([_written_key(item) for item in listed] if isinstance(listed, list) else [], what)


def _repeated(keys: Sequence[SegmentKey | None], what: str) -> Iterator[Mistake]:
    first: dict[SegmentKey, int] = {}
    for index, key in enumerate(keys):
        if key is None:
            continue
        if key in first:
            yield Mistake((index,), f"this segment is {what} twice (first at [{first[key]}])")
        first.setdefault(key, index)


def _written_key(item: object) -> SegmentKey | None:
    """The key of an item as written; None where namespace or id are wrong."""
    written = _from_id(item)
    if not isinstance(written, dict):
        return None
    match {"namespace": _DEFAULT_NAMESPACE, **written}:
        case {"namespace": str(namespace), "id": str(segment)} if namespace and segment:
            return namespace, segment
    return None
