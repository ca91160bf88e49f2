"""Reads on a thread, so that what has been read can go on while more is waited for: a pipe may stay open for days."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

#: How long a batch that is not full waits for more.
_LINGER_SECONDS: Final = 0.2


class ReadAhead(Generic[Item]):
    """Items in batches. One batch at most is read ahead.

    A daemon thread reads, since nothing ends a read that waits for a pipe: the process ends without it.
    """

    def __init__(self, items: Iterable[Item], bytes_of: Callable[[Item], int], most: int, most_bytes: int) -> None:
        """Begin to read. A batch is full with ``most`` items, or as soon as they have ``most_bytes``."""
        self._bytes_of = bytes_of
        self._most = most
        self._most_bytes = most_bytes
        self._loop = asyncio.get_running_loop()
        self._held: list[Item] = []
        self._bytes = 0
        self._room = threading.Condition()
        self._stopped = False
        self._ended = False
        self._error: Exception | None = None
        #: Set some time after an item was added to an empty batch, or reading ended.
        self._some = asyncio.Event()
        #: Set some time after a batch became full, or reading ended.
        self._full = asyncio.Event()
        threading.Thread(target=self._read, args=(items,), name="reading ahead", daemon=True).start()

    async def take(self) -> list[Item]:
        """The next batch, as soon as it is full, or ``_LINGER_SECONDS`` after its first item; empty at the end.

        Raises whatever the items raised, once all that came before was taken.
        """
        while not self._held and not self._ended:
            self._some.clear()
            await self._some.wait()
        if not self._is_full() and not self._ended:
            self._full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_SECONDS):
                    await self._full.wait()
        with self._room:
            batch, self._held, self._bytes = self._held, [], 0
            self._room.notify()
        if not batch and self._error is not None:
            raise self._error
        return batch

    def stop(self) -> None:
        """End the items with those that were read by now."""
        with self._room:
            self._stopped = self._ended = True
            self._room.notify()
        self._some.set()
        self._full.set()

    def _is_full(self) -> bool:
        return len(self._held) >= self._most or self._bytes >= self._most_bytes

    def _read(self, items: Iterable[Item]) -> None:
        try:
            for item in items:
                if not self._add(item):
                    return
        except Exception as error:  # for whoever takes
            self._error = error
        self._ended = True
        self._tell(self._some, self._full)

    def _add(self, item: Item) -> bool:
        """Hold an item once there is room; False where nobody wants it any more."""
        with self._room:
            self._room.wait_for(lambda: self._stopped or not self._is_full())
            if self._stopped:
                return False
            self._held.append(item)
            self._bytes += self._bytes_of(item)
            is_first, is_full = len(self._held) == 1, self._is_full()
        self._tell(*[self._some] * is_first, *[self._full] * is_full)
        return True

    def _tell(self, *events: asyncio.Event) -> None:
        for event in events:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self._loop.call_soon_threadsafe(event.set)
