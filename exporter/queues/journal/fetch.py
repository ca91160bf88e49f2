"""Reads the journal once for all groups: a small cache of stretches, and the wake-up when the journal grows."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from exporter.database import Database, DatabaseUnavailable
from exporter.messages.message import Message
from exporter.queues.journal import blocks, tables
from exporter.queues.port import Outgoing, QueueUnavailable

_STRETCH_EVENTS = 500
_STRETCH_BYTES = 1024 * 1024
_STRETCHES = 8


@dataclass(slots=True, eq=False)
class _Stretch:
    """All events after the position ``after``, up to the last of ``messages``."""

    after: int
    messages: list[Message] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    bytes: int = 0

    def add(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)
        self.positions.extend(message.position for message in messages)
        self.bytes += sum(len(message.body) for message in messages)


class Fetch:
    """The source of messages for all subscriptions of a process.

    Groups at the same position get the same ``Message`` objects, which are never changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stretches: list[_Stretch] = []  # the latest used last
        self._reading = asyncio.Lock()
        self._grown = asyncio.Event()
        self._waiting = 0
        self._watch = ExitStack()
        self._told = 0  # the highest position for which waiting groups were woken
        self._unreadable: int | None = None  # the position after which reading failed last
        self.last = 0  # the highest position known
        self.failure: str | None = None  # why nothing is to be read, known without an attempt

    def failed(self, reason: str) -> None:
        """Stop reading until ``probe`` has returned; waiting groups wake and raise ``reason``."""
        self.failure = reason
        self.grew()

    def growth(self) -> asyncio.Event:
        """An ``asyncio.Event`` that is set when the journal grows after this call: ask before reading, wait after."""
        return self._grown

    def grew(self, last: int | None = None) -> None:
        """Wake waiting groups, unless woken before for ``last``: the highest position, where known."""
        if last is not None:
            if last <= self._told:
                return
            self._told = last
            self.last = max(self.last, last)
        self._grown.set()
        self._grown = asyncio.Event()

    def published(self, messages: Sequence[Outgoing], appended: tables.Appended) -> None:
        """``messages`` have been published by this process: whoever stands right before them need not read them."""
        after = appended.last - len(messages)
        if self._waiting or after in [stretch.positions[-1] for stretch in self._stretches]:
            numbered = enumerate(messages, after + 1)
            kept = [Message(tables.LANE, at, each.body, appended.taken_at) for at, each in numbered]
            if sum([len(message.body) for message in kept]) <= _STRETCH_BYTES:
                self._keep(after, kept)
        self.grew(appended.last)

    async def wait(self, growth: asyncio.Event) -> None:
        """Wait until ``growth`` is set, after a publish in any process."""
        with self._watching():
            await growth.wait()

    async def after(self, position: int, limit: int) -> Sequence[Message]:
        """Events after ``position``, at most ``limit``; empty if there is no later event yet.

        Raises:
            QueueUnavailable: the journal cannot be read.
        """
        if self.failure is not None:
            raise QueueUnavailable(self.failure)
        found = self._cached(position, limit)
        if found:
            return found
        async with self._reading:
            found = self._cached(position, limit)  # a different group may have read the same meanwhile
            if found:
                return found
            messages = await self._read(position)
            if messages:
                self.last = max(self.last, messages[-1].position)
                self._keep(position, messages)
            return messages[:limit]

    async def probe(self) -> None:
        """Return if the journal can be read now, also where reading failed last.

        Raises:
            QueueUnavailable: with the reason.
        """
        await self._read(self.last if self._unreadable is None else self._unreadable)
        self.failure = None

    async def _read(self, position: int) -> list[Message]:
        try:
            messages = await self._database.read(
                lambda connection: tables.read(connection, position, _STRETCH_EVENTS, _STRETCH_BYTES)
            )
        except DatabaseUnavailable as error:
            self._unreadable = position
            raise QueueUnavailable(error.reason) from error
        self._unreadable = None
        return messages

    def _cached(self, position: int, limit: int) -> Sequence[Message]:
        for index in range(len(self._stretches) - 1, -1, -1):
            stretch = self._stretches[index]
            if stretch.after <= position < stretch.positions[-1]:
                if index != len(self._stretches) - 1:
                    self._stretches.append(self._stretches.pop(index))
                begin = bisect_right(stretch.positions, position)
                return stretch.messages[begin : begin + limit]
        return ()

    def _keep(self, position: int, messages: Sequence[Message]) -> None:
        for stretch in self._stretches:
            room = len(stretch.messages) < _STRETCH_EVENTS and stretch.bytes < _STRETCH_BYTES
            if stretch.positions[-1] == position and room:
                stretch.add(messages)
                return
        stretch = _Stretch(position)
        stretch.add(messages)
        self._stretches.append(stretch)
        del self._stretches[:-_STRETCHES]

    @contextmanager
    def _watching(self) -> Iterator[None]:
        if not self._waiting:
            self._watch.enter_context(self._database.watched(self.grew, blocks.last))
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._watch.close()
