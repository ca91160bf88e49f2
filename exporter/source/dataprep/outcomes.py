"""What comes of mapping a record, and of compiling a mapping set: values for the rooms around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec

from exporter.source.dataprep.mapping_sets import Mapping, SourceType
from exporter.source.records import UpsertKind

#: The words of errors that are told apart in metrics.
OUT_OF_TIME: Final = "the time for this record is over"
LARGER: Final = "result is larger than"
WHOLE_LARGER: Final = f"the record's {LARGER}"

ErrorKind: TypeAlias = Literal["time", "too_large", "value"]


@dataclass(frozen=True, slots=True)
class Upsert:
    """What ``upsert_array_append`` or ``upsert_array_replace`` asked for the array at ``path``, the keys to it."""

    path: tuple[str, ...]
    kind: UpsertKind


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mapping that can't be compiled: its place in the set, counted from 0, and why."""

    position: int
    mapping: Mapping
    reason: str


@dataclass(frozen=True, slots=True)
class MappingError:
    """A mapping that had no value for a record, or not all of one, and why; ``reason`` holds nothing of the record."""

    destination: str
    source: str
    source_type: SourceType
    reason: str

    @property
    def ends_record(self) -> bool:
        """Whether the record's time or size was used up, so that no mapping after this one had a chance."""
        return self.reason == OUT_OF_TIME or self.reason.startswith(WHOLE_LARGER)

    @property
    def kind(self) -> ErrorKind:
        """What it was, in one word: the record's time was over, the result too large, or there was no value."""
        if self.reason == OUT_OF_TIME:
            return "time"
        return "too_large" if LARGER in self.reason else "value"


class Mapped(msgspec.Struct, frozen=True, gc=False):
    """A record after its mapping.

    Attributes:
        entity: pure JSON, which shares no array or object with the record.
        errors: in the order of the mappings.
        upserts: the arrays of ``entity``, which holds them as plain arrays, that merge by a rule of their own.
    """

    entity: dict[str, Any]
    errors: tuple[MappingError, ...]
    upserts: tuple[Upsert, ...]
