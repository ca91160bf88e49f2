"""The port ``Queue`` on a Redis stream, put together from the other files of the folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

from exporter.queues.port import (
    EventTooLarge,
    GroupInUse,
    Numbered,
    Outgoing,
    Position,
    QueueFull,
    QueueUnavailable,
    SeekResult,
    Start,
)
from exporter.queues.positions import nearest
from exporter.queues.redis_streams.check import check
from exporter.queues.redis_streams.failures import OutOfMemory, unavailable
from exporter.queues.redis_streams.fetch import Fetch
from exporter.queues.redis_streams.growth import Growth
from exporter.queues.redis_streams.ids import FIRST, before, fits, id_at, position_of, too_large, written
from exporter.queues.redis_streams.lease import LEASE_SECONDS, badge_of
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.queues.redis_streams.stream import Extent, Group, Record, Stream
from exporter.queues.redis_streams.subscription import RedisSubscription
from exporter.queues.redis_streams.upkeep import Upkeep
from exporter.redis_server.advising import advice
from exporter.redis_server.server import connected
from exporter.tasks.background import for_ever, in_background

_PUBLISH_ENTRIES = 1000
#: The lowest ``proto-max-bulk-len`` that Redis takes, and the default.
_TAKEN_BYTES = 1024**2
_USUAL_MOST_BYTES = 512 * 1024**2


@asynccontextmanager
async def open_redis(
    settings: RedisSettings, *, groups: Collection[str], warn: Callable[[str], None], badge: str = ""
) -> AsyncIterator[RedisQueue]:
    """Connect to the stream; publishing or reading creates it. Leave subscriptions before leaving the queue.

    See ``open_queue``.

    Raises:
        QueueUnavailable: Redis cannot be used now.
    """
    async with connected(settings, unavailable) as server:
        stream = Stream(server, settings.stream)
        identity = await stream.identity()
        growth = Growth(stream)
        upkeep = Upkeep(stream, groups, warn)
        async with in_background(partial(for_ever, growth.run, warn), partial(for_ever, upkeep.run, warn)):
            yield RedisQueue(f"redis-{identity}", stream, growth, upkeep, warn, badge)


class RedisQueue:
    """``Queue`` on a stream of Redis. Made by ``open_redis``."""

    def __init__(
        self, name: str, stream: Stream, growth: Growth, upkeep: Upkeep, warn: Callable[[str], None], badge: str
    ) -> None:
        self._name = name
        self._stream = stream
        self._growth = growth
        self._upkeep = upkeep
        self._warn = warn
        self._badge = badge

    @property
    def name(self) -> str:
        return self._name

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """As durable as Redis is configured to be. Each thousand is published as a whole."""
        largest = max((len(message.body) for message in messages), default=0)
        most = _TAKEN_BYTES if largest <= _TAKEN_BYTES else await self._most_bytes()
        taken = [index for index, message in enumerate(messages) if len(message.body) <= most]
        left_out = 0
        # With numbers also where nothing is left to publish: what is too large counts as published.
        for begin in range(0, max(len(taken), 1 if numbered and messages else 0), _PUBLISH_ENTRIES):
            chunk = taken[begin : begin + _PUBLISH_ENTRIES]
            look = bool(self._upkeep.subscriptions)
            try:
                if numbered is None:
                    extent = await self._stream.publish([messages[index].body for index in chunk], look)
                else:
                    events = [(numbered.first + index, messages[index].body) for index in chunk]
                    highest = events[-1][0] if begin + len(chunk) < len(taken) else numbered.last(len(messages))
                    extent, known = await self._stream.publish_numbered(numbered.producer, highest, events, look)
                    left_out += known
            except OutOfMemory as error:
                if begin:
                    raise QueueUnavailable(f"{error}; the first {begin} events were published") from None
                raise QueueFull(str(error)) from None
            if extent is not None:
                self._upkeep.grown(extent.added)
        if len(taken) < len(messages):
            reason = f"an event is larger than the {most} bytes that Redis takes (proto-max-bulk-len)"
            raise EventTooLarge(reason, [index for index, each in enumerate(messages) if len(each.body) > most])
        return left_out

    async def max_event_bytes(self, producer: str) -> int | None:  # noqa: ARG002 - a number is an argument of its own
        return await self._most_bytes()

    async def _most_bytes(self) -> int:
        """The size of the largest event that Redis takes: on a larger event Redis hangs up, so none is ever sent.

        Managed servers often refuse CONFIG, and have the default.
        """
        try:
            found = await self._stream.server.call("CONFIG", "GET", "proto-max-bulk-len")
        except QueueUnavailable:
            return _USUAL_MOST_BYTES
        return int(found[1]) if found else _USUAL_MOST_BYTES

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[RedisSubscription]:
        fetch = Fetch(self._stream, group, start, self._growth, self._warn, self._badge)
        try:
            await fetch.enter()
            async with in_background(fetch.run, fetch.renew, fetch.commits.run):
                subscription = RedisSubscription(self._stream.key, fetch)
                self._upkeep.subscriptions.add(subscription)
                try:
                    yield subscription
                finally:
                    self._upkeep.subscriptions.discard(subscription)
                    await self._leave(group, subscription)
        finally:
            await fetch.lease.give_back()

    async def _leave(self, group: str, subscription: RedisSubscription) -> None:
        try:
            await subscription.commit()
        except QueueUnavailable as error:
            self._warn(f"group {group}: what was settled last could not be acknowledged: {error}")

    async def badges(self, group: str) -> Collection[str]:
        badge = badge_of(await self._stream.server.call("GET", self._stream.lease_key(group)))
        return (badge,) if badge else ()

    @property
    def silence_seconds(self) -> float:
        return LEASE_SECONDS

    async def positions(self) -> Sequence[Position]:
        """Those of the groups that other programs have on the stream, too."""
        groups = await self._stream.groups()
        extent = await self._stream.extent()
        records = await self._stream.records()
        if extent is None:
            return []
        return [await self._position(group, extent, records.get(group.name)) for group in groups]

    async def _position(self, group: Group, extent: Extent, record: Record | None) -> Position:
        stream = self._stream
        read = await stream.passed(group, record, extent)
        if extent.first is None or extent.first > group.delivered_to:
            read = max(read, extent.removed)
        settled_to, beyond = position_of(group.delivered_to), 0
        lowest = await stream.lowest_pending(group.name) if group.pending else None
        if lowest is not None:
            previous = await stream.entry_before(lowest)
            settled_to = position_of(lowest) - 1 if previous is None else position_of(previous)
            taken = await stream.count(before(lowest), written(group.delivered_to))
            beyond = max(0, taken - group.pending)
        return Position(
            group=group.name,
            lane=stream.key,
            settled_to=settled_to,
            beyond=beyond,
            lag=group.pending + max(0, extent.added - read),
            reader=await self._is_read(group.name),
            seen_at=None if record is None else record.seen_at,
            end=None,  # ids are times
        )

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """A target outside of the stream becomes its nearest end."""
        extent = await self._changeable(group)
        if target == "latest":
            after = None
        elif target == "earliest":
            after = FIRST
        else:
            after = before(id_at(max(target, 0)))
            after = None if after >= extent.last else after
        if not await self._stream.seek(group, after):
            raise GroupInUse(group)
        last = position_of(extent.last)
        first = last + 1 if extent.first is None else position_of(extent.first)
        # Ids are times: entries before the first are gone only if any entry was ever removed.
        return [nearest(self._stream.key, target, first, last, lowest=0 if extent.removed else first)]

    async def drop(self, group: str) -> None:
        await self._changeable(group)
        if not await self._stream.drop(group):
            raise GroupInUse(group)

    async def check(self) -> None:
        """Tries every permission that is needed, without changing anything."""
        await check(self._stream)
        extent = await self._stream.extent()
        if extent is not None and not fits(position_of(extent.last)):
            # Later entries have still larger ids.
            raise QueueUnavailable(too_large(written(extent.last), self._stream.key))

    async def advice(self) -> Sequence[str]:
        """What the server's settings for disk and memory cost."""
        return await advice(self._stream.server, QueueUnavailable)

    async def _changeable(self, group: str) -> Extent:
        """The stream's extent, if the group may be changed.

        Raises:
            KeyError: there is no such group.
            GroupInUse: a daemon or a different program reads the group.
        """
        extent = await self._stream.extent()
        if extent is None or await self._stream.group(group) is None:
            raise KeyError(group)
        if await self._is_read(group) or await self._stream.other_consumers(group):
            raise GroupInUse(group)
        return extent

    async def _is_read(self, group: str) -> bool:
        return bool(await self._stream.server.call("EXISTS", self._stream.lease_key(group)))
