"""Acknowledges what has settled in one group: in batches, 25 ms after the first settles or at 500 of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_exponential

from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable
from exporter.queues.redis_streams.stream import Stream

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 2.0
_BATCH_MOST = 10_000


class Acknowledging:
    """Collects ids. When Redis cannot be reached all stays noted, and is tried again after growing waits."""

    def __init__(
        self,
        stream: Stream,
        group: str,
        token: str,
        *,
        acknowledged: Callable[[Sequence[bytes]], None],
        failed: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._group = group
        self._token = token
        self._acknowledged = acknowledged
        self._failed = failed
        self._ids: list[bytes] = []
        self._some = asyncio.Event()
        self._now = asyncio.Event()
        self._callers: list[asyncio.Future[None]] = []
        self._ended = False
        self.failure: str | None = None
        self.total = 0  # acknowledgements that Redis knew of at the last one

    def note(self, ids: Iterable[bytes]) -> None:
        """These have settled."""
        self._ids.extend(ids)
        if self._ids:
            self._some.set()
            if len(self._ids) >= COMMIT_MESSAGES and self.failure is None:
                self._now.set()

    def forget(self) -> None:
        """Acknowledge nothing that was noted: it is somebody else's by now."""
        self._ids = []

    async def commit(self) -> None:
        """Return when all that was noted so far is acknowledged.

        Raises:
            QueueUnavailable: an attempt has failed; it stays noted.
        """
        if self._ended:
            raise QueueUnavailable("this reader has left the stream")
        caller: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append(caller)
        self._some.set()
        self._now.set()
        await caller

    async def run(self) -> None:
        """Acknowledge in time, until cancelled."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(QueueUnavailable),
            stop=stop_never,
            wait=wait_exponential(multiplier=_RETRY_FIRST_SECONDS, max=_RETRY_MOST_SECONDS),
            sleep=self._until_asked,
        )
        try:
            while True:
                await self._some.wait()
                await self._until_asked(COMMIT_SECONDS)
                await attempts(self._acknowledge)
        finally:
            self._ended = True
            _answer(self._callers, "this reader has left the stream")

    async def _until_asked(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._now.wait()

    async def _acknowledge(self) -> None:
        callers, self._callers = self._callers, []
        self._some.clear()
        self._now.clear()
        try:
            ids = self._ids  # ``forget`` puts a new list in its place
            while ids:
                # They stay noted until it is known, whatever ends this.
                batch = ids[:_BATCH_MOST]
                total = await self._stream.acknowledge(self._group, self._token, batch)
                if total is None:
                    raise QueueUnavailable("the lease on the group has run out")
                self.total = total
                del ids[: len(batch)]
                self._acknowledged(batch)
        except QueueUnavailable as error:
            self.failure = str(error)
            _answer(callers, self.failure)
            self._some.set()
            self._failed()
            raise
        except BaseException:
            _answer(callers, "this reader has left the stream")
            raise
        self.failure = None
        _answer(callers, None)


def _answer(callers: Sequence[asyncio.Future[None]], failure: str | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if failure is None:
            caller.set_result(None)
        else:
            caller.set_exception(QueueUnavailable(failure))
