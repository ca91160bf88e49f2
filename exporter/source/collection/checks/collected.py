"""What becomes of a request: its answer, and the records that must be kept before the answer goes out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.taken import TakenRecord


class Keyed(msgspec.Struct, frozen=True, gc=False):
    """A record, and the key of its lane in the intake, which the repr does not show: it may be a person's id."""

    key: str
    record: TakenRecord

    def __repr__(self) -> str:
        return f"Keyed({self.record!r})"


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An element of a batch that is not kept: where it stood, as it came, and why, in a sentence without data.

    ``status`` is what its element of the answer has.
    """

    batch_id: str
    index: int
    taken: int
    inlet: str
    body: bytes
    reason: str
    status: int = 400

    def __repr__(self) -> str:
        return f"Refused({self.batch_id}:{self.index}, {len(self.body)} bytes)"


class Collected(msgspec.Struct, frozen=True):
    """``answer`` may go out once ``records`` are durable, at once where there are none.

    ``kept`` are the places in a batch of the messages whose records are kept, in their order.
    """

    answer: Answer
    records: tuple[Keyed, ...] = ()
    refused: tuple[Refused, ...] = ()
    kept: Sequence[int] = ()

    def __repr__(self) -> str:
        return f"Collected({self.answer!r}, {len(self.records)} records, {len(self.refused)} refused)"
