"""What a kind of store provides for bad records. Above this port, once for all kinds, ``bad_records``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from exporter.state.bad_record import BadRecord, BadRecordFilter, BadRecordSummary, StorableBadRecord
from exporter.state.port import TooLarge, Totals


class BadRecordStore(Protocol):
    """The bad records of an open store. A write is durable on return, and atomic but for ``delete`` and ``purge``.

    Raises:
        StateUnavailable: by every call; a write may have been done all the same.
    """

    async def keep(self, records: Sequence[StorableBadRecord], max_bytes: int) -> TooLarge | None:
        """Store letters, each in the place of a letter with the same name; all or nothing.

        ``TooLarge``: all that are no refused elements would take more than ``max_bytes``. A letter that is larger than
        all of ``max_bytes`` may have the room alone: otherwise it would never fit.
        """
        ...

    async def remember(self, records: Sequence[StorableBadRecord], ring_bytes: int) -> None:
        """Store refused elements; of all refused elements the oldest go, until ``ring_bytes`` hold them all.

        An element that is larger than the ring has it alone.
        """
        ...

    async def delete(self, names: Sequence[str]) -> int:
        """Delete letters by name; return how many were there."""
        ...

    async def names(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Ids above ``after`` and names of at most ``limit`` letters that are no refused elements, by id."""
        ...

    async def newest(self) -> int:
        """The highest id ever given, 0 before the first."""
        ...

    async def totals(self) -> Mapping[str, Totals]:
        """How many letters and bytes there are of each reason; a reason may be missing."""
        ...

    async def page(
        self, which: BadRecordFilter, beyond: int | None, limit: int, *, newest_first: bool
    ) -> Sequence[BadRecordSummary]:
        """Summaries by id, ascending or descending; only of ids after ``beyond`` in that direction."""
        ...

    async def record(self, name: str) -> BadRecord | None:
        """A whole letter."""
        ...

    async def count(self, which: BadRecordFilter) -> int:
        """How many letters the filter means."""
        ...

    async def purge(self, which: BadRecordFilter) -> int:
        """Delete letters, in several steps; return how many there were."""
        ...
