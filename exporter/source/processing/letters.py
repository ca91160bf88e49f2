"""Bad records as letters of the state, kept before their place in the intake is passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord
from exporter.source.processing.examining import Bad
from exporter.state.bad_record import NewBadRecord
from exporter.state.bad_records import BadRecords
from exporter.state.letter import Full, Stored, Unavailable


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

    def of(self, message: Message, taken: TakenRecord | None, bad: Bad) -> NewBadRecord:
        """The letter of a bad record; ``taken`` is None of a message that is none of ours."""
        source = "" if taken is None else self.source_of(taken.inlet)
        return _letter(message, taken, bad, source, int(self.epoch() * 1000))

    async def keep(self, letters: Sequence[NewBadRecord]) -> Stored | Full | Unavailable:
        """Make them durable, each in the place of an earlier one of the same name."""
        return await self.records.keep(letters, self.max_bytes)

    async def applied(self, names: Sequence[str]) -> Stored | Unavailable:
        """Forget the letters of records that are applied now."""
        return await self.records.applied(names)


def _letter(message: Message, taken: TakenRecord | None, bad: Bad, source: str, now: int) -> NewBadRecord:
    """``source`` is the name of the connection, ``now`` epoch milliseconds."""
    return NewBadRecord(
        name=f"{message.lane}-{message.position}" if taken is None else taken.xaction_id,
        inlet="" if taken is None else taken.inlet,
        source=source,
        flow="" if taken is None else taken.flow,
        dataset="" if taken is None else taken.dataset,
        reason=bad.reason,
        detail=bad.detail,
        taken=int(message.taken_at * 1000) if taken is None else taken.taken,
        kept=now,
        message=message.body,
        violations=orjson.dumps([violation.as_report() for violation in bad.violations]),
    )
