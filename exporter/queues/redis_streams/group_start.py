"""Where a group stands on the stream when a reader begins, and creating a missing group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.queues.port import QueueUnavailable, Start
from exporter.queues.redis_streams.ids import FIRST, StreamId, written
from exporter.queues.redis_streams.stream import Extent, ReadReply, Record, Stream


@dataclass(slots=True)
class GroupStart:
    """Counts the entries that a group has passed, so that entries deleted before the group read them are noticed.

    ``read`` counts every entry ever added up to ``delivered_to``, ``added`` every entry ever added to the stream.
    """

    delivered_to: StreamId
    read: int
    added: int

    @property
    def unread(self) -> int:
        """Entries that the group has not taken yet."""
        return max(0, self.added - self.read)

    def pass_over(self, found: ReadReply, last: StreamId | None, most: int) -> int:
        """Advance past the entries found; return how many were deleted before the group read them.

        Args:
            found: new entries, and the stream at the instant of reading.
            last: the last id found; None if nothing was found.
            most: how many entries were asked for: fewer mean that the end of the stream was reached.
        """
        deleted = 0
        removed = found.added - found.length
        if found.first is None or found.first > self.delivered_to:
            deleted += max(0, removed - self.read)
            self.read = max(self.read, removed)
        self.read += len(found.entries)
        if last is not None:
            self.delivered_to = last
        if len(found.entries) < most:
            deleted += max(0, found.added - self.read)
            self.read = found.added
        self.added = max(found.added, self.read)
        return deleted


class AnotherStream(Exception):
    """The stream was made anew under the same name, with ids below the group's position."""


async def start_group(
    stream: Stream, group: str, token: str, start: Start, known: StreamId | None, warn: Callable[[str], None]
) -> GroupStart:
    """Where the group stands. A new group begins at ``start``, a removed group at the former position.

    Args:
        token: of the lease on the group.
        known: up to where a reader at work has settled; None when a reader begins.

    Raises:
        AnotherStream: the stream ends before ``known``; the group was created at the beginning of the stream.
        QueueUnavailable: the group cannot be looked up or created.
    """
    found = await stream.group(group)
    extent = await stream.extent()
    record = (await stream.records()).get(group, Record())
    if found is None:
        remembered = record.place if known is None else known
        if remembered is None:
            await stream.create(group, FIRST if start == "earliest" else None, extent)
        else:
            await _make_again(stream, group, remembered, extent, warn, at_work=known is not None)
        found = await stream.group(group)
        extent = await stream.extent()
    if found is None or extent is None:
        raise QueueUnavailable(f"stream {stream.key} was deleted a moment ago")
    read = await stream.passed(found, record, extent)
    await stream.counted(group, token, found.delivered_to, read)
    return GroupStart(found.delivered_to, read, extent.added)


async def _make_again(
    stream: Stream,
    group: str,
    place: StreamId,
    extent: Extent | None,
    warn: Callable[[str], None],
    *,
    at_work: bool,
) -> None:
    """Create a group that was removed, alone or with the stream. Raises as ``start_group``."""
    if extent is not None and extent.length and extent.last < place:
        warn(
            f"stream {stream.key} was made anew by somebody, with ids below where group {group} stood: "
            "the group begins at its beginning"
        )
        await stream.create(group, FIRST, extent)
        if at_work:
            raise AnotherStream
        return
    if extent is None:
        what = f"stream {stream.key} was deleted by somebody: what group {group} had not read is gone"
    else:
        what = f"group {group} on stream {stream.key} was removed by somebody"
    warn(f"{what}; the group is made again and goes on after {written(place)}")
    await stream.create(group, place, extent)
    if extent is None or extent.last < place:
        # New entries must have greater ids than the entries that the group has passed.
        await stream.begin_after(place)
