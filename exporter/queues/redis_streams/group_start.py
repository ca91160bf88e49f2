"""Where a group stands on the stream when its reader begins, and making the group where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.queues.port import QueueUnavailable, Start
from exporter.queues.redis_streams.ids import FIRST, StreamId, written
from exporter.queues.redis_streams.stream import Extent, ReadReply, Record, Stream


@dataclass(slots=True)
class GroupStart:
    """Counts what a group has passed, so that what somebody else deleted before it is noticed.

    ``read`` counts every entry that there ever was up to ``delivered_to``, ``added`` those of the whole stream.
    """

    delivered_to: StreamId
    read: int
    added: int

    @property
    def unread(self) -> int:
        """Entries that the group has not taken yet."""
        return max(0, self.added - self.read)

    def pass_over(self, found: ReadReply, last: StreamId | None, most: int) -> int:
        """Go on past what was found; return how many entries were deleted before the group came to them.

        Args:
            found: new entries, and the stream at the instant they were read.
            last: the id of the last of them; None if there were none.
            most: how many were asked for: fewer mean that this was the end of the stream.
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
    """Under this name there is a stream now that began after what we hold, with smaller ids."""


async def start_group(
    stream: Stream, group: str, token: str, start: Start, known: StreamId | None, warn: Callable[[str], None]
) -> GroupStart:
    """Where the group stands. A new one begins at ``start``; one that somebody removed, where it stood.

    Args:
        token: of the lease on the group.
        known: up to where a reader that is still at work has settled; None at its beginning.

    Raises:
        AnotherStream: ``known`` makes no sense on this stream; the group was made at its beginning.
        QueueUnavailable: it cannot be told, or made.
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
    """Make a group that somebody removed, alone or with the stream."""
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
        # New entries must have greater ids than those that this group has passed.
        await stream.begin_after(place)
