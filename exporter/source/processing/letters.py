"""Bad records as letters of the state, kept before their place in the intake is passed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord
from exporter.source.collection.wish import Wish
from exporter.source.processing.examined import Bad
from exporter.source.records import Identity
from exporter.state.bad_record import BadRecordFilter, NewBadRecord
from exporter.state.bad_records import BadRecords
from exporter.state.letter import Full, Stored, Unavailable
from exporter.state.port import StateUnavailable

#: What stands in the intake.
Taken: TypeAlias = TakenRecord | Wish

_PAGE = 500


def identity_text(identity: Identity) -> str:
    """An identity as the letters of its records have it."""
    return f"{identity.namespace}:{identity.id}"


@dataclass(frozen=True, slots=True)
class Letters:
    """Where bad records go.

    Attributes:
        records: opened for the process that applies.
        max_bytes: how much is kept; beyond it nothing is applied.
        source_of: the name of the connection of an inlet, by the inlet's id.
        epoch: reads epoch seconds.
    """

    records: BadRecords
    max_bytes: int
    source_of: Callable[[str], str]
    epoch: Callable[[], float]

    def of(self, message: Message, taken: Taken | None, bad: Bad) -> NewBadRecord:
        """The letter of a bad record; ``taken`` is None of a message that is none of ours."""
        source = self.source_of(taken.inlet) if isinstance(taken, TakenRecord) else ""
        return _letter(message, taken, bad, source, int(self.epoch() * 1000))

    async def keep(self, letters: Sequence[NewBadRecord]) -> Stored | Full | Unavailable:
        """Make them durable, each in the place of an earlier one of the same name."""
        return await self.records.keep(letters, self.max_bytes)

    async def forget(self, identities: Collection[Identity], taken: int) -> Stored | Unavailable:
        """Delete the letters of records of ``identities`` that were taken up to ``taken``, in epoch milliseconds."""
        which = BadRecordFilter(identities=tuple(map(identity_text, identities)))
        try:
            beyond = None
            while page := await self.records.page(which, beyond=beyond, limit=_PAGE):
                beyond = page[-1].id
                if names := tuple(each.name for each in page if each.taken <= taken):
                    await self.records.purge(BadRecordFilter(names=names))
        except StateUnavailable as error:
            return Unavailable(error.reason)
        return Stored()

    async def applied(self, names: Sequence[str]) -> Stored | Unavailable:
        """Forget the letters of records that are applied now."""
        return await self.records.applied(names)


def _letter(message: Message, taken: Taken | None, bad: Bad, source: str, now: int) -> NewBadRecord:
    """``source`` is the name of the connection, ``now`` epoch milliseconds."""
    record = taken if isinstance(taken, TakenRecord) else None
    return NewBadRecord(
        name=f"{message.lane}-{message.position}" if taken is None else taken.xaction_id,
        inlet="" if record is None else record.inlet,
        source=source,
        flow="" if record is None else record.flow,
        dataset="" if record is None else record.dataset,
        reason=bad.reason,
        detail=bad.detail,
        taken=int(message.taken_at * 1000) if taken is None else taken.taken,
        kept=now,
        message=message.body,
        violations=orjson.dumps([violation.as_report() for violation in bad.violations]),
        identity=None if bad.identity is None else identity_text(bad.identity),
    )
