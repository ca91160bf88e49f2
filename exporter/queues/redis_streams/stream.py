"""The stream's commands with their replies taken apart: what it holds, where its groups stand, and changing that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams import scripts
from exporter.queues.redis_streams.ids import RawEntry, StreamId, before, parse, written
from exporter.queues.redis_streams.server import NoSuchGroup, Server

#: Every reader of a group has the same name, so that what one left pending is the next one's.
CONSUMER = "exporter"

_COUNT_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Extent:
    """What a stream holds. ``added`` counts every entry that there ever was, ``first`` is None while it is empty."""

    length: int
    added: int
    first: StreamId | None
    last: StreamId

    @property
    def removed(self) -> int:
        """How many entries are gone, whoever deleted them."""
        return self.added - self.length


@dataclass(frozen=True, slots=True)
class Group:
    """Where a consumer group stands."""

    name: str
    pending: int
    delivered_to: StreamId


class ReadReply(NamedTuple):
    """What one reading found, and the stream at that instant."""

    entries: Sequence[RawEntry]
    length: int
    added: int
    first: StreamId | None


@dataclass(frozen=True, slots=True)
class Record:
    """What the exporter keeps of a group beside the stream.

    ``read`` is an id with the number of entries that there ever were up to it.
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
        """The key that the group's reader holds."""
        return f"{self.record_key}:reader:{group}"

    # -- what there is

    async def identity(self) -> str:
        """A name for this stream that lasts as long as the exporter's record beside it."""
        await self.server.call("HSETNX", self.record_key, "id", uuid4().hex[:16])
        return str((await self.server.call("HGET", self.record_key, "id")).decode())

    async def extent(self) -> Extent | None:
        """What the stream holds; None if there is none."""
        try:
            return extent_of(await self.server.call("XINFO", "STREAM", self.key))
        except NoSuchGroup:
            return None

    async def groups(self) -> Sequence[Group]:
        """Every group, by name; also those of other programs."""
        try:
            rows = await self.server.call("XINFO", "GROUPS", self.key)
        except NoSuchGroup:
            return []
        return sorted((_group(_fields(row)) for row in rows), key=lambda group: group.name)

    async def group(self, name: str) -> Group | None:
        """One group; None if there is none of that name."""
        return next((group for group in await self.groups() if group.name == name), None)

    async def records(self) -> Mapping[str, Record]:
        """What is kept of each group, by its name."""
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
        """Consumers that are not the exporter's, and the seconds since each was last heard of."""
        rows = [_fields(row) for row in await self.server.call("XINFO", "CONSUMERS", self.key, group)]
        return {
            row["name"].decode("utf-8", "surrogateescape"): row["idle"] / 1000
            for row in rows
            if row["name"] != CONSUMER.encode()
        }

    async def lowest_pending(self, group: str) -> StreamId | None:
        """The first entry that was delivered and not acknowledged."""
        lowest = (await self.server.call("XPENDING", self.key, group))[1]
        return None if lowest is None else parse(lowest)

    async def entry_before(self, id: StreamId) -> StreamId | None:  # noqa: A002
        """The id of the entry that stands before ``id``; None if there is none."""
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
        """How many entries there ever were up to where the group stands; what is gone since counts as unread."""
        if record is not None and record.read is not None:
            id_, read = record.read
            if id_ == group.delivered_to and read <= extent.added:
                return read
        if extent.first is None or group.delivered_to >= extent.last:
            return extent.added
        if group.delivered_to < extent.first:
            return extent.removed
        return extent.added - await self.count(group.delivered_to)

    # -- changing it

    async def first_seen(self, group: str, now: float) -> None:
        """Remember when a group was noticed that no exporter has read; a time that is known stays."""
        await self.server.call("HSETNX", self.record_key, f"seen:{group}", int(now))

    async def publish(self, bodies: Sequence[bytes], look: bool) -> Extent | None:
        """Append all or none; the stream after that, if ``look``.

        Raises:
            OutOfMemory: nothing was appended.
        """
        commands: list[tuple[str | bytes, ...]] = [("XADD", self.key, "*", "event", body) for body in bodies]
        if look:
            commands.append(("XINFO", "STREAM", self.key))
        replies = await self.server.together(commands)
        return extent_of(replies[-1]) if look else None

    async def create(self, group: str, after: StreamId | None, extent: Extent | None) -> None:
        """Create a group that reads what follows ``after``, None for the end; the stream too if there is none."""
        command = ["XGROUP", "CREATE", self.key, group, "$" if after is None else written(after)]
        if extent is None:
            command.append("MKSTREAM")
        try:
            await self.server.call(*command)
        except QueueUnavailable as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def begin_after(self, id: StreamId) -> None:  # noqa: A002
        """Let an empty stream give ids that are greater than ``id``."""
        await self.server.call("XSETID", self.key, written(id))

    async def read(self, group: str, token: str, most: int, after: StreamId | None, passed: int) -> ReadReply | None:
        """Pending entries after ``after``, or for None new ones; None if the lease is not ours.

        ``passed`` is how many entries there ever were before the new ones.

        Raises:
            NoSuchGroup: stream or group are gone.
        """
        keys = [self.lease_key(group), self.key, self.record_key]
        begin = ">" if after is None else written(after)
        reply = await self.server.run(scripts.READ, keys, token, group, CONSUMER, most, begin, passed)
        if reply is None:
            return None
        entries, length, added, first = reply
        return ReadReply([(entry[0], entry[1]) for entry in entries], length, added, parse(first) if first else None)

    async def acknowledge(self, group: str, token: str, ids: Sequence[bytes]) -> int | None:
        """Acknowledge entries; how many there were by now, None if the lease is not ours and nothing was done."""
        keys = [self.lease_key(group), self.key, self.record_key]
        total = int(await self.server.run(scripts.ACKNOWLEDGE, keys, token, group, *ids))
        return None if total < 0 else total

    async def counted(self, group: str, token: str, delivered_to: StreamId, passed: int) -> None:
        """Write down how many entries there ever were up to where the group stands."""
        keys = [self.lease_key(group), self.record_key]
        await self.server.run(scripts.COUNTED, keys, token, group, f"{written(delivered_to)} {passed}")

    async def seek(self, group: str, after: StreamId | None) -> bool:
        """Let the group go on after ``after``, None for the end, with nothing pending; False if somebody reads it."""
        keys = [self.lease_key(group), self.key, self.record_key]
        return bool(await self.server.run(scripts.SEEK, keys, group, "$" if after is None else written(after)))

    async def drop(self, group: str) -> bool:
        """Forget the group; False if somebody reads it."""
        keys = [self.lease_key(group), self.key, self.record_key]
        return bool(await self.server.run(scripts.DROP, keys, group))

    async def trim(self, ignored: Sequence[str], most: int) -> int:
        """Delete what every group but ``ignored`` has passed, at most about ``most``; return how many went."""
        return int(await self.server.run(scripts.TRIM, [self.key], most, *ignored))


def extent_of(reply: Sequence[Any]) -> Extent:
    """Take apart what ``XINFO STREAM`` says. Raises QueueUnavailable: this Redis is too old."""
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
