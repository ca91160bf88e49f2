"""Commands on the stream, on the consumer groups and on the exporter's keys beside the stream, with parsed replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams import scripts
from exporter.queues.redis_streams.failures import NoSuchGroup
from exporter.queues.redis_streams.ids import RawEntry, StreamId, before, parse, written
from exporter.redis_server.server import Server

#: Every reader of a group has the same consumer name, so that a new reader takes over the pending entries.
CONSUMER = "exporter"

_COUNT_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Extent:
    """What a stream holds. ``added`` counts every entry ever added, ``first`` is None while the stream is empty."""

    length: int
    added: int
    first: StreamId | None
    last: StreamId

    @property
    def removed(self) -> int:
        """How many entries were deleted, by the exporter or otherwise."""
        return self.added - self.length


@dataclass(frozen=True, slots=True)
class Group:
    """Where a consumer group stands."""

    name: str
    pending: int
    delivered_to: StreamId


class ReadReply(NamedTuple):
    """The entries of a single read, and the stream at that instant."""

    entries: Sequence[RawEntry]
    length: int
    added: int
    first: StreamId | None


@dataclass(frozen=True, slots=True)
class Record:
    """What the exporter keeps of a group beside the stream.

    ``seen_at`` is when the group was last read, ``place`` up to where all is settled, and ``read`` an id with the
    number of entries ever added up to that id.
    """

    seen_at: float | None = None
    place: StreamId | None = None
    read: tuple[StreamId, int] | None = None


class Stream:
    """One stream, with the exporter's own keys beside it: ``<stream>:exporter`` and ``<stream>:exporter:…``."""

    def __init__(self, server: Server, key: str) -> None:
        self.server = server
        self.key = key
        self.record_key = f"{key}:exporter"

    def lease_key(self, group: str) -> str:
        """The key of the group's lease."""
        return f"{self.record_key}:reader:{group}"

    # -- looking

    async def identity(self) -> str:
        """A name for this stream that lasts as long as the exporter's record beside it."""
        await self.server.call("HSETNX", self.record_key, "id", uuid4().hex[:16])
        return str((await self.server.call("HGET", self.record_key, "id")).decode())

    async def extent(self) -> Extent | None:
        """What the stream holds; None if there is no stream."""
        try:
            return extent_of(await self.server.call("XINFO", "STREAM", self.key))
        except NoSuchGroup:
            return None

    async def groups(self) -> Sequence[Group]:
        """Every group, sorted by name, including groups of other programs."""
        try:
            rows = await self.server.call("XINFO", "GROUPS", self.key)
        except NoSuchGroup:
            return []
        return sorted((_group(_fields(row)) for row in rows), key=lambda group: group.name)

    async def group(self, name: str) -> Group | None:
        """The group called ``name``; None if there is no such group."""
        return next((group for group in await self.groups() if group.name == name), None)

    async def records(self) -> Mapping[str, Record]:
        """The record of each group, by name."""
        flat = await self.server.call("HGETALL", self.record_key)
        seen: dict[str, float] = {}
        place: dict[str, StreamId] = {}
        read: dict[str, tuple[StreamId, int]] = {}
        for field, value in zip(flat[::2], flat[1::2], strict=True):
            what, _, group = field.decode("utf-8", "surrogateescape").partition(":")
            with suppress(ValueError):
                if what == "seen":
                    seen[group] = float(value)
                elif what == "place":
                    place[group] = parse(value)
                elif what == "read":
                    id_, _, number = value.partition(b" ")
                    read[group] = parse(id_), int(number)
        names = seen.keys() | place.keys() | read.keys()
        return {group: Record(seen.get(group), place.get(group), read.get(group)) for group in names}

    async def other_consumers(self, group: str) -> Mapping[str, float]:
        """Consumers of other programs, with the seconds since each was last heard of."""
        rows = [_fields(row) for row in await self.server.call("XINFO", "CONSUMERS", self.key, group)]
        return {
            row["name"].decode("utf-8", "surrogateescape"): row["idle"] / 1000
            for row in rows
            if row["name"] != CONSUMER.encode()
        }

    async def lowest_pending(self, group: str) -> StreamId | None:
        """The lowest id that was delivered and not acknowledged; None if nothing is pending."""
        lowest = (await self.server.call("XPENDING", self.key, group))[1]
        return None if lowest is None else parse(lowest)

    async def entry_before(self, id: StreamId) -> StreamId | None:  # noqa: A002
        """The id of the entry just before ``id``; None if there is no such entry."""
        found = await self.server.call("XREVRANGE", self.key, written(before(id)), "-", "COUNT", 1)
        return parse(found[0][0]) if found else None

    async def count(self, after: StreamId, to: str = "+") -> int:
        """How many entries stand after ``after`` and up to ``to``; counted in steps that hold Redis up for little."""
        total = 0
        begin = f"({written(after)}"
        while True:
            found, last = await self.server.run(scripts.COUNT, [self.key], begin, to, _COUNT_CHUNK)
            total += int(found)
            if found < _COUNT_CHUNK:
                return total
            begin = f"({last.decode()}"

    async def passed(self, group: Group, record: Record | None, extent: Extent) -> int:
        """How many entries were ever added up to where the group stands.

        With a fitting ``record``, entries deleted beyond that place count as unread; without, as passed.
        """
        if record is not None and record.read is not None:
            id_, read = record.read
            if id_ == group.delivered_to and read <= extent.added:
                return read
        if extent.first is None or group.delivered_to >= extent.last:
            return extent.added
        if group.delivered_to < extent.first:
            return extent.removed
        return extent.added - await self.count(group.delivered_to)

    # -- changing

    async def first_seen(self, group: str, now: float) -> None:
        """Record when a group was noticed that no exporter has read; a recorded time stays."""
        await self.server.call("HSETNX", self.record_key, f"seen:{group}", int(now))

    async def publish(self, bodies: Sequence[bytes], look: bool) -> Extent | None:
        """Append all or none; with ``look``, return what the stream holds afterwards.

        Raises:
            OutOfMemory: nothing was appended.
        """
        commands: list[tuple[str | bytes, ...]] = [("XADD", self.key, "*", "event", body) for body in bodies]
        if look:
            commands.append(("XINFO", "STREAM", self.key))
        replies = await self.server.together(commands)
        return extent_of(replies[-1]) if look else None

    async def publish_numbered(
        self, producer: str, highest: int, events: Sequence[tuple[int, bytes]], look: bool
    ) -> tuple[Extent | None, int]:
        """As ``publish``, without the ``events`` whose numbers the stream has; how many these are is returned, too.

        ``highest`` counts as published then.
        """
        keys = [self.key, self.record_key]
        parts = (part for event in events for part in event)
        left_out = int(await self.server.run(scripts.PUBLISH, keys, producer, highest, *parts))
        return await self.extent() if look else None, left_out

    async def create(self, group: str, after: StreamId | None, extent: Extent | None) -> None:
        """Create a group that reads on after ``after``, None for the end; without an ``extent``, the stream too.

        A group that exists by now stays as it is.
        """
        command = ["XGROUP", "CREATE", self.key, group, "$" if after is None else written(after)]
        if extent is None:
            command.append("MKSTREAM")
        try:
            await self.server.call(*command)
        except QueueUnavailable as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def begin_after(self, id: StreamId) -> None:  # noqa: A002
        """Let an empty stream go on with ids greater than ``id``."""
        await self.server.call("XSETID", self.key, written(id))

    async def read(self, group: str, token: str, most: int, after: StreamId | None, passed: int) -> ReadReply | None:
        """Pending entries after ``after``, or new entries for None; None if ``token`` does not hold the lease.

        ``passed`` is how many entries were ever added before the new entries.

        Raises:
            NoSuchGroup: the stream or the group is gone.
        """
        keys = [self.lease_key(group), self.key, self.record_key]
        begin = ">" if after is None else written(after)
        reply = await self.server.run(scripts.READ, keys, token, group, CONSUMER, most, begin, passed)
        if reply is None:
            return None
        entries, length, added, first = reply
        return ReadReply([(entry[0], entry[1]) for entry in entries], length, added, parse(first) if first else None)

    async def acknowledge(self, group: str, token: str, ids: Sequence[bytes]) -> int | None:
        """Acknowledge entries; return the total by now, None if ``token`` does not hold the lease: nothing was done."""
        keys = [self.lease_key(group), self.key, self.record_key]
        total = int(await self.server.run(scripts.ACKNOWLEDGE, keys, token, group, *ids))
        return None if total < 0 else total

    async def counted(self, group: str, token: str, delivered_to: StreamId, passed: int) -> None:
        """Record how many entries were ever added up to where the group stands."""
        keys = [self.lease_key(group), self.record_key]
        await self.server.run(scripts.COUNTED, keys, token, group, f"{written(delivered_to)} {passed}")

    async def seek(self, group: str, after: StreamId | None) -> bool:
        """Let the group go on after ``after``, None for the end, without pending entries; False while it is read."""
        keys = [self.lease_key(group), self.key, self.record_key]
        return bool(await self.server.run(scripts.SEEK, keys, group, "$" if after is None else written(after)))

    async def drop(self, group: str) -> bool:
        """Forget the group; False while the group is read."""
        keys = [self.lease_key(group), self.key, self.record_key]
        return bool(await self.server.run(scripts.DROP, keys, group))

    async def trim(self, ignored: Sequence[str], most: int) -> int:
        """Delete entries that every group but ``ignored`` has passed, about ``most`` at most; return how many."""
        return int(await self.server.run(scripts.TRIM, [self.key], most, *ignored))


def extent_of(reply: Sequence[Any]) -> Extent:
    """Take apart the reply of ``XINFO STREAM``.

    Raises:
        QueueUnavailable: Redis is too old.
    """
    fields = _fields(reply)
    if "entries-added" not in fields:
        raise QueueUnavailable("this Redis is too old: version 7.0 or newer is needed")
    first = fields["first-entry"]
    return Extent(
        length=fields["length"],
        added=fields["entries-added"],
        first=parse(first[0]) if first else None,
        last=parse(fields["last-generated-id"]),
    )


def _group(fields: Mapping[str, Any]) -> Group:
    return Group(
        name=fields["name"].decode("utf-8", "surrogateescape"),
        pending=fields["pending"],
        delivered_to=parse(fields["last-delivered-id"]),
    )


def _fields(flat: Sequence[Any]) -> dict[str, Any]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
