"""The wake-up when the stream grows: a single blocked XREAD for all waiting readers of a process."""

from __future__ import annotations

import asyncio

from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.ids import written
from exporter.queues.redis_streams.stream import Stream
from exporter.tasks.waiting import wait_at_most

#: Shorter than the time-out of a call, so that an idle stream does not time out.
_BLOCK_SECONDS = 2.0
#: The longest wait of a reader until the next look, whatever the watch may have missed.
_LOOK_SECONDS = 2.0
#: The least time between two wake-ups: a fast trickle is read in small batches rather than entry by entry.
_PAUSE_SECONDS = 0.002
_FAILED_SECONDS = 0.5


class Growth:
    """Tells waiting readers that the stream has grown; knows no groups and takes no entries."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._grown = asyncio.Event()
        self._waiting = 0
        self._somebody = asyncio.Event()

    def growth(self) -> asyncio.Event:
        """An ``asyncio.Event`` that is set when the stream grows after this call: ask before reading, wait after."""
        return self._grown

    async def wait(self, growth: asyncio.Event) -> None:
        """Wait until ``growth`` is set, for ``_LOOK_SECONDS`` at most."""
        self._waiting += 1
        self._somebody.set()
        try:
            await wait_at_most(_LOOK_SECONDS, growth)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._somebody.clear()

    async def run(self) -> None:
        """Watch until cancelled. That Redis is away is not reported here: readers find out when reading."""
        while True:
            await self._somebody.wait()
            try:
                extent = await self._stream.extent()
                self._wake()
                after = "0-0" if extent is None else written(extent.last)
                await self._stream.server.call(
                    "XREAD", "COUNT", 1, "BLOCK", int(_BLOCK_SECONDS * 1000), "STREAMS", self._stream.key, after
                )
                await asyncio.sleep(_PAUSE_SECONDS)
            except QueueUnavailable:
                await asyncio.sleep(_FAILED_SECONDS)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
