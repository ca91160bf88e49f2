"""Bad records as values: a new letter of the way in, the letter as stores keep it, a stored letter, and a filter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, NewType

from exporter.state.letter import OVERHEAD_BYTES, shown_detail, storable

#: Why a record of the way in could not be applied. ``batch_message`` is an element of a batch that was refused before
#: it was taken: the sender was told so.
BadReason = Literal[
    "batch_message",
    "mapping",
    "xdm",
    "no_primary_identity",
    "operation",
    "dataset",
    "flow_deleted",
    "too_large",
    "bug",
]
#: The reason of what stands in the ring of refused elements, and of nothing else.
REFUSED: Final = "batch_message"
#: Refused elements take no more bytes than these; the oldest go.
RING_BYTES: Final = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecordHead:
    """What every letter says of its record.

    Attributes:
        name: the record's xactionId, and the letter's key.
        inlet: the inlet's id, a secret; the repr leaves it out.
        source: the name of the inlet's connection.
        flow: the flow's id, empty where no flow counts the record.
        dataset: the id of the dataset that was to be written to.
        reason: why the record could not be applied.
        detail: where and why in words, without data.
        taken: epoch milliseconds at which the record was taken.
        kept: epoch milliseconds at which the letter was made.
    """

    name: str
    inlet: str = field(repr=False)
    source: str
    flow: str
    dataset: str
    reason: BadReason
    detail: str
    taken: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBadRecord(BadRecordHead):
    """A record that could not be applied, or an element of a batch that was refused.

    Attributes:
        message: the exact bytes of the intake's message; of a refused element, its bytes as they came.
        violations: what is wrong with the record, a JSON array; may hold data.
        identity: the record's primary identity as one text, where known, by which an erasure finds the letter.
    """

    message: bytes = field(repr=False)
    violations: bytes = field(default=b"[]", repr=False)
    identity: str | None = field(default=None, repr=False)


#: A letter as every kind of store keeps letters; made by ``storable_bad_record``.
StorableBadRecord = NewType("StorableBadRecord", NewBadRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecordSummary(BadRecordHead):
    """A stored letter without data; ``id`` grows from letter to letter, and is a new one whenever a record is kept."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord(BadRecordSummary):
    """A stored letter; see ``NewBadRecord``."""

    identity: str | None = field(repr=False)
    violations: bytes = field(repr=False)
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecordFilter:
    """The letters that are meant; None, and an empty tuple, leaves nothing out.

    ``since`` (from then on) and ``until`` (before then) are epoch milliseconds and compared with ``kept``, and
    ``taken_since`` and ``taken_until`` likewise with ``taken``. An empty ``flow`` means what no flow counts.
    """

    names: tuple[str, ...] = ()
    source: str | None = None
    flow: str | None = None
    reason: BadReason | None = None
    identities: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    dataset: str | None = None
    taken_since: int | None = None
    taken_until: int | None = None


def storable_bad_record(record: NewBadRecord) -> StorableBadRecord:
    """``record`` with texts that any store can keep, and no more of ``detail`` than is kept."""
    return StorableBadRecord(
        replace(
            record,
            name=storable(record.name),
            source=storable(record.source),
            flow=storable(record.flow),
            dataset=storable(record.dataset),
            detail=shown_detail(record.detail),
            identity=None if record.identity is None else storable(record.identity),
        )
    )


def storable_filter(which: BadRecordFilter) -> BadRecordFilter:
    """``which`` with its texts as ``storable_bad_record`` makes the texts of letters."""
    return replace(
        which,
        names=tuple(map(storable, which.names)),
        source=None if which.source is None else storable(which.source),
        flow=None if which.flow is None else storable(which.flow),
        dataset=None if which.dataset is None else storable(which.dataset),
        identities=tuple(map(storable, which.identities)),
    )


def size_of_bad_record(record: StorableBadRecord) -> int:
    """The bytes of a letter that count against the bound of bad records, or of the ring."""
    texts = (record.name, record.inlet, record.source, record.flow, record.dataset, record.detail, record.identity)
    text_bytes = sum(len(text.encode()) for text in texts if text is not None)
    return OVERHEAD_BYTES + len(record.message) + len(record.violations) + text_bytes
