"""The bad records of the way in, for the process that applies records and for the command.

A bad record is kept before its place in the intake is passed, and deleted when the record is applied after all. That
is asked of every applied record, so the names of letters stand in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from exporter.state.bad_record import (
    REFUSED,
    RING_BYTES,
    BadRecord,
    BadRecordFilter,
    BadRecordSummary,
    NewBadRecord,
    storable_bad_record,
    storable_filter,
)
from exporter.state.bad_records_port import BadRecordStore
from exporter.state.letter import Full, Outcome, Stored, Unavailable, storable
from exporter.state.port import StateUnavailable, Totals
from exporter.state.profiles_with_letters import Profiles

_PAGE: Final = 500


class BadRecords:
    """The bad records in an open store; other processes may have the store open too.

    One process at a time keeps and applies, and has called ``open``; any process may look and purge. Failures of
    ``keep``, ``remember_refused`` and ``applied`` are values.

    Raises:
        StateUnavailable: by every other call: the store cannot be used now.
    """

    def __init__(self, store: BadRecordStore, *, ring_bytes: int = RING_BYTES) -> None:
        self._store = store
        self._ring_bytes = ring_bytes
        self._names: Profiles | None = None  # names that may have a letter; None: not read yet, so any may

    # -- for the process that applies records

    async def open(self) -> None:
        """Read which records have letters. To be called once no other process keeps bad records any more."""
        names, after = Profiles(), 0
        while page := await self._store.names(after, _PAGE):
            for after, name in page:  # noqa: B007 - the last id is where the next page begins
                names.add(name)
        self._names = names

    async def keep(self, records: Sequence[NewBadRecord], max_bytes: int) -> Outcome:
        """Store bad records in one durable write; a record that is kept again replaces its letter.

        ``Full``: nothing was stored, since all but refused elements would take more than ``max_bytes``.

        Raises:
            ValueError: a record is a refused element.
        """
        if any(record.reason == REFUSED for record in records):
            raise ValueError("refused elements have a ring of their own")
        if self._names is not None:
            # Before the write: a name too many only costs a look, a name too few would leave a letter behind.
            for record in records:
                self._names.add(record.name)
        try:
            too_large = await self._store.keep([storable_bad_record(each) for each in records], max_bytes)
        except StateUnavailable as error:
            return Unavailable(error.reason)
        return Stored() if too_large is None else Full()

    async def remember_refused(self, records: Sequence[NewBadRecord]) -> Stored | Unavailable:
        """Store refused elements of a batch in their ring, whose oldest go; nothing waits for that or ends with it.

        Raises:
            ValueError: a record is no refused element.
        """
        if any(record.reason != REFUSED for record in records):
            raise ValueError("the ring is for refused elements")
        if not records:
            return Stored()
        try:
            await self._store.remember([storable_bad_record(each) for each in records], self._ring_bytes)
        except StateUnavailable as error:
            return Unavailable(error.reason)
        return Stored()

    async def applied(self, names: Sequence[str]) -> Stored | Unavailable:
        """Delete the letters of records that have been applied; costs next to nothing where none has a letter."""
        known = self._names
        found = names if known is None else [name for name in names if name in known]
        if not found:
            return Stored()
        last = 0 if known is None else known.last
        try:
            await self._store.delete(found)
        except StateUnavailable as error:
            return Unavailable(error.reason)
        if known is not None:
            for name in found:
                known.discard(name, last)
        return Stored()

    async def forget(self, identities: Collection[str]) -> int:
        """Delete the letters of records whose primary identity is among ``identities``; return how many.

        Raises:
            StateUnavailable: some of them may still be there.
        """
        # No identity means nobody, and to a filter everybody.
        return await self.purge(BadRecordFilter(identities=tuple(identities))) if identities else 0

    # -- for all

    async def totals(self) -> Mapping[str, Totals]:
        """How many letters and bytes there are of each reason; a reason without letters may be missing."""
        return await self._store.totals()

    async def newest(self) -> int:
        """The highest id ever given; letters that are kept later have higher ids."""
        return await self._store.newest()

    async def page(
        self, which: BadRecordFilter, *, beyond: int | None = None, limit: int, newest_first: bool = False
    ) -> Sequence[BadRecordSummary]:
        """At most ``limit`` letters in the order of keeping, or the newest first, after the id ``beyond``."""
        return await self._store.page(storable_filter(which), beyond, limit, newest_first=newest_first)

    async def record(self, name: str) -> BadRecord | None:
        """A letter with its message."""
        return await self._store.record(storable(name))

    async def count(self, which: BadRecordFilter) -> int:
        """How many letters the filter means."""
        return await self._store.count(storable_filter(which))

    async def purge(self, which: BadRecordFilter) -> int:
        """Delete letters for good; return how many."""
        return await self._store.purge(storable_filter(which))
