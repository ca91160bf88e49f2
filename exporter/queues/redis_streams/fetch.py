"""Takes entries from the stream ahead of ``receive``, and keeps the group's lease and position meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exporter.queues.port import QueueUnavailable, Start
from exporter.queues.redis_streams.commits import Commits
from exporter.queues.redis_streams.group_start import AnotherStream, GroupStart, start_group
from exporter.queues.redis_streams.growth import Growth
from exporter.queues.redis_streams.ids import FIRST, StreamId, before, parse, too_large
from exporter.queues.redis_streams.lease import RENEW_SECONDS, Held, Lease
from exporter.queues.redis_streams.stream import ReadReply, Stream
from exporter.queues.redis_streams.unacknowledged import Unacknowledged

_AHEAD_ENTRIES = 500
_AHEAD_BYTES = 1024 * 1024
_RETRY_SECONDS = 0.5


class Fetch:
    """A group's reader, between Redis and the subscription.

    Whenever a reader begins or a connection has broken, the pending list is read first, from the beginning: Redis may
    have given out entries in an answer that was lost. New entries come after that, so nothing is overtaken.
    """

    def __init__(
        self, stream: Stream, group: str, start: Start, growth: Growth, warn: Callable[[str], None], badge: str
    ) -> None:
        self._stream = stream
        self._group = group
        self._start = start
        self._growth = growth
        self._warn = warn
        self.lease = Lease(stream, group, badge)
        self.unacknowledged = Unacknowledged(stream.key)
        self.standing = GroupStart(FIRST, 0, 0)
        self.commits = Commits(
            stream,
            group,
            self.lease.token,
            acknowledged=self.unacknowledged.acknowledged,
            failed=self._doubt,
        )
        self.failure: str | None = None
        self.mine = False
        self.lost = False  # the lease was lost, and ``receive`` has not said so yet
        self.changed = asyncio.Event()  # there may be something to receive
        self.room = asyncio.Event()  # messages were handed out
        self._caught_up = False  # every pending entry was taken in
        self._doubtful = False  # Redis was away, and may know less than this reader

    async def enter(self) -> None:
        """Wait as a standby for the lease, and take up the group's position.

        Raises:
            QueueUnavailable: Redis cannot be used now.
        """
        await self.lease.wait()
        await self._begin(None)

    async def renew(self) -> None:
        """Renew the lease, until cancelled. Where renewing fails the lease runs out, and no more is handed out."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self.mine:
                continue
            known = self.commits.total
            try:
                if await self.lease.hold(self._place()) is not Held.STILL:
                    self._lose()
                elif self.lease.acknowledged < known:
                    # Redis came back from an older copy of the data, maybe without breaking a connection.
                    self.commits.total = self.lease.acknowledged
                    self._doubt()
            except QueueUnavailable:
                self._doubt()

    async def run(self) -> None:
        """Take entries while there is room, until cancelled; after the loss of the lease, wait as a standby."""
        while True:
            try:
                await self._read()
            except QueueUnavailable as error:
                self._fail(str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            await self._begin_again()

    async def _read(self) -> None:
        """Read the pending list, then new entries, until the lease is lost or Redis was away."""
        after: StreamId | None = FIRST
        while self.mine and not self._doubtful:
            await self._roomy()
            growth = self._growth.growth()
            most = max(1, min(_AHEAD_ENTRIES, _AHEAD_BYTES // self.unacknowledged.mean_bytes))
            found = await self._stream.read(self._group, self.lease.token, most, after, self.standing.read)
            if found is None:
                return  # the lease is gone; ``_begin_again`` sees whether a different reader has taken the lease
            if after is None:
                await self._take_new(found, most)
                if not found.entries:
                    await self._growth.wait(growth)
            elif found.entries:
                self._take_in(found)
                after = parse(found.entries[-1][0])
            else:
                after = None
                self._caught_up = True

    async def _roomy(self) -> None:
        unacknowledged = self.unacknowledged
        while (
            unacknowledged.waiting > _AHEAD_ENTRIES // 2 or unacknowledged.waiting_bytes >= _AHEAD_BYTES
        ) and not self._doubtful:
            self.room.clear()
            await self.room.wait()

    async def _take_new(self, found: ReadReply, most: int) -> None:
        begin = self.standing.delivered_to
        last = parse(found.entries[-1][0]) if found.entries else None
        deleted = self.standing.pass_over(found, last, most)
        self._take_in(found)
        if deleted:
            end = f"before {found.entries[0][0].decode()}" if found.entries else "up to the end of the stream"
            self._warn(
                f"group {self._group}: {deleted} entries of stream {self._stream.key} after {begin[0]}-{begin[1]} and "
                f"{end} were deleted by somebody before they were read"
            )
            standing = self.standing
            await self._stream.counted(self._group, self.lease.token, standing.delivered_to, standing.read)

    def _take_in(self, found: ReadReply) -> None:
        """Take in entries, and note the settled and the deleted for acknowledgement.

        Raises:
            QueueUnavailable: an entry's id is too large for a position.
        """
        taken = self.unacknowledged.take_in(found.entries)
        if taken.new:
            self.changed.set()
        if ids := taken.deleted:
            self._warn(
                f"group {self._group}: {len(ids)} entries of stream {self._stream.key} from {ids[0].decode()} to "
                f"{ids[-1].decode()} were deleted by somebody while they were pending: they cannot be exported"
            )
        self.commits.settled([*taken.settled, *taken.deleted])
        if taken.unusable is not None:
            raise QueueUnavailable(too_large(taken.unusable.decode(), self._stream.key))

    # -- losing and beginning again

    async def _begin_again(self) -> None:
        """Return once Redis answers, the lease is held, and the group's position is known."""
        while True:
            self._doubtful = False
            try:
                if self.mine and await self.lease.hold() is not Held.STILL:
                    self._lose()
                if not self.mine:
                    await self.lease.wait()
                await self._begin(self._place() if self.mine else None)
            except AnotherStream:
                self._lose()
            except QueueUnavailable as error:
                self._fail(str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _begin(self, known: StreamId | None) -> None:
        self._caught_up = False
        self.standing = await start_group(self._stream, self._group, self.lease.token, self._start, known, self._warn)
        self.mine = True
        self.failure = None

    def _place(self) -> StreamId | None:
        """The id up to which all is settled, as far as this reader knows; None before anything was read."""
        lowest = self.unacknowledged.lowest()
        if lowest is not None:
            return before(lowest)
        if self._caught_up:
            return self.standing.delivered_to
        return None if self.unacknowledged.taken_to == FIRST else self.unacknowledged.taken_to

    def _lose(self) -> None:
        """Let go of every entry, because the group has a different reader by now."""
        if self.mine:
            self.mine = self._caught_up = False
            self.lost = True
            self.unacknowledged.let_go()
            self.commits.let_go()
            self.changed.set()
            self.room.set()

    def _doubt(self) -> None:
        """Start again from the pending list: Redis was away, or has forgotten something, or the lease is gone."""
        self._doubtful = True
        self.changed.set()
        self.room.set()

    def _fail(self, failure: str) -> None:
        self.failure = failure
        self.changed.set()
