"""JetStream as a queue: what the port asks for, put together from the parts beside this file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from exporter.queues.jetstream.bucket import Bucket
from exporter.queues.jetstream.connection.link import Link
from exporter.queues.jetstream.group_record import Kept, Record
from exporter.queues.jetstream.lease import CLOCKS_APART_SECONDS, Lease, badge_of, is_read
from exporter.queues.jetstream.look_back import numbers_on_stream
from exporter.queues.jetstream.publish import Publisher
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.jetstream.stream import Stream, StreamState
from exporter.queues.jetstream.subscription import JetStreamSubscription
from exporter.queues.numbered import NumberedPublishing
from exporter.queues.port import GroupInUse, Numbered, Outgoing, Position, QueueUnavailable, SeekResult, Start
from exporter.queues.positions import nearest
from exporter.queues.progress.settled import count
from exporter.tasks.background import for_ever, in_background

_LOOK_SECONDS = 1.0


@asynccontextmanager
async def open_jetstream(
    settings: NatsSettings, warn: Callable[[str], None], badge: str = ""
) -> AsyncIterator[JetStreamQueue]:
    """Connect, and find or make stream and bucket. Leave subscriptions before leaving this context.

    Raises:
        QueueUnavailable: stream or bucket cannot be used now.
    """
    link = Link(settings)
    try:
        stream = Stream(link, settings)
        state = await stream.look_or_make()
        bucket = Bucket(link, settings.positions)
        await bucket.make(state.replicas)
        queue = JetStreamQueue(settings, link, stream, bucket, warn, badge)
        async with in_background(partial(for_ever, queue.watch, warn)):
            yield queue
    finally:
        await link.close()


class JetStreamQueue:
    """``Queue`` on a stream of NATS. Made by ``open_jetstream``."""

    def __init__(
        self,
        settings: NatsSettings,
        link: Link,
        stream: Stream,
        bucket: Bucket,
        warn: Callable[[str], None],
        badge: str,
    ) -> None:
        self._settings = settings
        self._link = link
        self._stream = stream
        self._bucket = bucket
        self._warn = warn
        self._badge = badge
        self._name = f"nats-{stream.name}"
        self._publisher = Publisher(link, stream.name, self._grew)
        self._numbered = NumberedPublishing(partial(numbers_on_stream, link, stream), self._publisher.publish)
        self._subscriptions: set[JetStreamSubscription] = set()

    @property
    def name(self) -> str:
        """The stream's name. A lane's name is the stream's creation, so no pair comes again."""
        return self._name

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered | None = None) -> int:
        """As durable as the stream's storage and replicas are."""
        if numbered is None or not messages:
            return await self._publisher.publish(messages)
        return await self._numbered.publish(messages, numbered)

    async def max_event_bytes(self, producer: str) -> int | None:
        """The servers' ``max_payload``, or the stream's ``max_msg_size``."""
        return await self._publisher.max_event_bytes(producer, (await self._stream.look()).max_message_bytes)

    def _grew(self, last: int) -> None:
        for subscription in self._subscriptions:
            subscription.grew(last)

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[JetStreamSubscription]:

        async def begin() -> Record:
            state = await self._stream.look()
            return Record(state.created, state.lane, state.last if start == "latest" else state.first - 1)

        lease = Lease(self._bucket, group, self._settings.lease, self._badge)
        record, _ = await lease.take(begin)
        subscription = JetStreamSubscription(self._link, self._stream, lease, record, self._warn)
        try:
            async with in_background(subscription.commits.keep_lease):
                self._subscriptions.add(subscription)
                with suppress(QueueUnavailable):
                    subscription.looked(await self._stream.look(), subscription.read_to)
                yield subscription
        finally:
            self._subscriptions.discard(subscription)
            await self._leave(group, subscription)

    async def _leave(self, group: str, subscription: JetStreamSubscription) -> None:
        try:
            await subscription.commits.leave()
        except QueueUnavailable as error:
            self._warn(f"group {group}: its last position could not be written: {error}")
        await subscription.end()

    async def watch(self) -> None:
        """Look at the stream every second while there are subscriptions, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._subscriptions:
                continue
            with suppress(QueueUnavailable):
                read_to = {subscription: subscription.read_to for subscription in self._subscriptions}
                state = await self._stream.look()
                for subscription in self._subscriptions & read_to.keys():
                    subscription.looked(state, read_to[subscription])

    async def badges(self, group: str) -> Collection[str]:
        kept = await self._bucket.read(group)
        badge = "" if kept is None else badge_of(kept, await self._bucket.now())
        return (badge,) if badge else ()

    @property
    def silence_seconds(self) -> float:
        """Assumes that all readers have the same settings."""
        return self._settings.lease + CLOCKS_APART_SECONDS

    async def positions(self) -> Sequence[Position]:
        found = await self._bucket.read_all(await self._bucket.groups())
        if not found:
            return []
        state = await self._stream.look()
        now = await self._bucket.now()
        return [
            _position(group, kept.record, kept, state, now) for group, kept in found.items() if kept.record is not None
        ]

    async def seek(self, group: str, target: int | Start) -> Sequence[SeekResult]:
        """A target outside of the stream becomes the nearest end."""
        kept = await self._unread(group)
        state = await self._stream.look()
        lane = kept.record.lane if kept.record and kept.record.stream == state.created else state.lane
        found = nearest(lane, target, state.first, state.last)
        moved = Record(state.created, lane, found.next - 1)
        if await self._bucket.write(group, moved, kept.revision) is None:
            raise GroupInUse(group)
        return [found]

    async def drop(self, group: str) -> None:
        kept = await self._unread(group)
        if not await self._bucket.delete(group, kept.revision):
            raise GroupInUse(group)

    async def check(self) -> None:
        """Looks at the stream, reads from it, and writes to the bucket. Publishes nothing."""
        await self._stream.probe()
        await self._bucket.probe()

    async def _unread(self, group: str) -> Kept:
        kept = await self._bucket.read(group)
        if kept is None or kept.record is None:
            raise KeyError(group)
        if is_read(kept, await self._bucket.now()):
            raise GroupInUse(group)
        return kept


def _position(group: str, record: Record, kept: Kept, state: StreamState, now: float) -> Position:
    beyond = count(record.beyond())
    settled_to = record.settled_to if record.stream == state.created else state.first - 1
    lag = state.last - max(settled_to, state.first - 1) - (beyond if record.stream == state.created else 0)
    return Position(
        group=group,
        lane=record.lane,
        settled_to=record.settled_to,
        beyond=beyond,
        lag=max(0, lag),
        reader=is_read(kept, now),
        seen_at=kept.written_at or None,
        end=state.last if record.stream == state.created else None,
    )
