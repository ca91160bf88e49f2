"""The wake-up when the stream grows: one blocked XREAD for all readers of a process, while any of them waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.ids import written
from exporter.queues.redis_streams.server import BLOCK_SECONDS
from exporter.queues.redis_streams.stream import Stream

#: A reader that waits looks for itself this often, whatever the watch may have missed.
LOOK_SECONDS = 2.0
#: Between two wake-ups: a stream that trickles fast is read in small batches rather than one by one.
_PAUSE_SECONDS = 0.002
_FAILED_SECONDS = 0.5


class Growth:
    """Sees no group and takes nothing; it only tells that there is more."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._grown = asyncio.Event()
        self._waiting = 0
        self._somebody = asyncio.Event()

    def growth(self) -> asyncio.Event:
        """An event that is set when the stream has grown since this call: ask before reading, wait after."""
        return self._grown

    async def wait(self, growth: asyncio.Event) -> None:
        """Wait until the stream has grown since ``growth`` was asked for, or it is time to look again."""
        self._waiting += 1
        self._somebody.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await growth.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._somebody.clear()

    async def run(self) -> None:
        """Watch until cancelled. While Redis cannot be reached, readers find out by themselves."""
        while True:
            await self._somebody.wait()
            try:
                extent = await self._stream.extent()
                self._wake()
                after = "0-0" if extent is None else written(extent.last)
                await self._stream.server.call(
                    "XREAD", "COUNT", 1, "BLOCK", int(BLOCK_SECONDS * 1000), "STREAMS", self._stream.key, after
                )
                await asyncio.sleep(_PAUSE_SECONDS)
            except QueueUnavailable:
                await asyncio.sleep(_FAILED_SECONDS)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
