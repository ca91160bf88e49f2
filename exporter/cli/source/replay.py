"""Puts bad records at the end of the intake again, each with its own name and its original time.

Their letters stay until the records are applied. A record that is replayed twice is applied twice, which changes
nothing that the first time did not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from exporter.cli.shared.letters import PAGE
from exporter.cli.source.way_in import WayIn
from exporter.queues.kinds import open_queue
from exporter.queues.port import EventTooLarge, Outgoing, Queue
from exporter.sections.printable import agreeing, counted
from exporter.source.collection.taken import TakenRecord
from exporter.state.bad_record import REFUSED, BadRecord, BadRecordFilter, BadRecordSummary
from exporter.state.bad_records import BadRecords

#: The bytes of messages that are in memory at a time, but for a larger message alone.
GROUP_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """The result.

    Attributes:
        asked: how many records stand at the end of the intake again.
        left_out: refused elements of batches, which were never taken, so that their senders have to send them again.
        missing: names that have no letter.
        too_large: records that the intake does not take any more.
        failure: why the intake took no more; empty where it took all.
    """

    asked: int = 0
    left_out: int = 0
    missing: int = 0
    too_large: int = 0
    failure: str = ""

    def as_json(self) -> str:
        """A JSON object."""
        return json.dumps({"asked": self.asked, "leftOut": self.left_out, "missing": self.missing})

    def text(self) -> str:
        """The report for people."""
        lines = [f"replay of {counted(self.asked, 'bad record')} asked for"]
        if self.left_out:
            they, them = agreeing(self.left_out, "it was", "they were"), agreeing(self.left_out, "it", "them")
            lines.append(f"{self.left_out} left out: refused before {they} taken, so only the sender has {them}")
        if self.missing:
            lines.append(f"{self.missing} of the names {agreeing(self.missing, 'is', 'are')} not there")
        return "\n".join(lines)

    def trouble(self) -> str:
        """What went wrong, for people; empty where nothing did."""
        lines = [f"error: {self.failure}"] if self.failure else []
        if self.too_large:
            lines.append(f"error: {counted(self.too_large, 'record')} too large for the intake: the letters stay")
        return "\n".join(lines)


async def run_replay(records: BadRecords, way_in: WayIn, which: BadRecordFilter) -> Report:
    """Replay the letters that ``which`` means and that are there now.

    Raises:
        StateUnavailable: the state cannot be read; some may have been replayed.
    """
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.queues.port import QueueFull, QueueUnavailable

    there = await records.count(which)
    left_out = await records.count(replace(which, reason=REFUSED)) if which.reason in (None, REFUSED) else 0
    missing = len(which.names) - await records.count(BadRecordFilter(names=which.names)) if which.names else 0
    report = Report(left_out=left_out, missing=missing)
    if there <= left_out:
        return report
    replaying = _Replaying(records, way_in)
    try:
        async with open_queue(way_in.intake, way_in.groups, _unheard) as queue:
            await replaying.run(queue, which)
    except (DatabaseRefused, DatabaseUnavailable, QueueFull, QueueUnavailable) as error:
        report = replace(report, failure=f"the intake: {error}")
    return replace(report, asked=replaying.asked, too_large=replaying.too_large)


def _unheard(_: str) -> None:
    """What the intake warns of is for the process that reads it."""


class _Replaying:
    """One replay on its way."""

    def __init__(self, records: BadRecords, way_in: WayIn) -> None:
        self._records = records
        self._way_in = way_in
        self.asked = 0
        self.too_large = 0

    async def run(self, queue: Queue, which: BadRecordFilter) -> None:
        """Publish in the order of keeping; no letter that is kept later: it may have failed again by then."""
        last = await self._records.newest()
        beyond = None
        while page := await self._records.page(which, beyond=beyond, limit=PAGE):
            beyond = page[-1].id
            await self._publish_page(queue, [each for each in page if each.id <= last and each.reason != REFUSED])
            if beyond >= last:
                return

    async def _publish_page(self, queue: Queue, page: Sequence[BadRecordSummary]) -> None:
        group: list[Outgoing] = []
        size = 0
        for summary in page:
            record = await self._records.record(summary.name)
            if record is None or record.id != summary.id:
                continue  # purged, applied, or kept again meanwhile
            if group and size + len(record.message) > GROUP_BYTES:
                await self._publish(queue, group)
                group, size = [], 0
            group.append(self._outgoing(record))
            size += len(record.message)
        if group:
            await self._publish(queue, group)

    def _outgoing(self, record: BadRecord) -> Outgoing:
        return Outgoing(self._way_in.lane_key(record), TakenRecord.put_again(record.message))

    async def _publish(self, queue: Queue, group: Sequence[Outgoing]) -> None:
        too_large = 0
        try:
            await queue.publish(group)
        except EventTooLarge as error:
            too_large = len(error.indexes)
        self.asked += len(group) - too_large
        self.too_large += too_large
