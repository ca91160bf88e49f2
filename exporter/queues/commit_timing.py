"""When what has settled is made durable: soon after the first, at once at 500 or when asked, again while that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable

_AGAIN_FIRST_SECONDS = 0.1


class CommitTiming:
    """Knows when to write, and who waits for it. Its owner keeps what is to be written until ``write`` has returned."""

    def __init__(
        self,
        write: Callable[[], Awaitable[None]],
        *,
        failed: Callable[[], None],
        mended: Callable[[], None] = lambda: None,
        ended: str,
        again_most_seconds: float,
        soon_seconds: float | None = None,
        idle_seconds: float | None = None,
    ) -> None:
        """
        Args:
            write: makes all durable that was noted before it is called; raises QueueUnavailable where it could not.
                What else it raises is a bug, told as a failure too and tried again: what has settled would wait for
                ever if this ended by it.
            failed: called after each time that it could not, when ``failure`` says why.
            mended: called when it could again.
            ended: why nothing can be made durable once ``run`` has ended.
            again_most_seconds: the longest wait before another try; the first is a tenth of a second, each doubles.
            soon_seconds: how long after the first that has settled, if not as the port says.
            idle_seconds: write after so long even if there is nothing to.
        """
        self._write = write
        self._failed = failed
        self._mended = mended
        self._ended_because = ended
        self._again_most_seconds = again_most_seconds
        self._soon_seconds = soon_seconds
        self._idle_seconds = idle_seconds
        self._noted = 0
        self._writing = False
        self._ended = False
        self._some = asyncio.Event()
        self._now = asyncio.Event()
        self._callers: list[asyncio.Future[None]] = []
        self.failure: str | None = None

    def note(self, count: int = 1) -> None:
        """So many more have settled, at least one."""
        before = self._noted
        self._noted = now = before + count
        if not before:
            self._some.set()
        if before < COMMIT_MESSAGES <= now:
            self._now.set()

    async def commit(self) -> None:
        """Return when all that was noted so far is durable.

        Raises:
            QueueUnavailable: an attempt to write it has failed; it will be tried again.
        """
        if self._ended:
            raise QueueUnavailable(self._ended_because)
        if not self._noted and not self._writing:
            return
        caller: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append(caller)
        self._some.set()
        self._now.set()
        await caller

    async def run(self, going: Callable[[], bool] = lambda: True) -> None:
        """Write in time, until cancelled or ``going``, asked after each write, says no.

        Called again it goes on, unless it was cancelled.
        """
        again = _AGAIN_FIRST_SECONDS
        try:
            while True:
                await self._until_due(again)
                again = min(2 * again, self._again_most_seconds) if await self._attempt() else _AGAIN_FIRST_SECONDS
                if not going():
                    return
        except BaseException as error:
            self.end()
            if not isinstance(error, asyncio.CancelledError):
                self.came_to(self._ended_because)  # whoever reads on is to hear of it
            raise

    def end(self) -> None:
        """Nothing will be written any more."""
        self._ended = True
        self.answer(self._ended_because)

    def forget(self) -> None:
        """Nothing that was noted is to be written any more, nor waited for."""
        self._noted = 0
        self.answer(None)

    def answer(self, failure: str | None) -> None:
        """Tell those who wait for a commit that it is done, or why not."""
        callers, self._callers = self._callers, []
        _answer(callers, failure)

    def came_to(self, failure: str | None) -> None:
        """Make this known as what came of the last attempt."""
        before, self.failure = self.failure, failure
        if failure is not None:
            self._failed()
        elif before is not None:
            self._mended()

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until a commit is asked for."""
        await _wait(self._now, seconds)
        self._now.clear()

    async def _until_due(self, again_seconds: float) -> None:
        if self.failure is not None:
            await _wait(self._now, again_seconds)
            return
        await _wait(self._some, self._idle_seconds)
        if self._some.is_set():
            await _wait(self._now, COMMIT_SECONDS if self._soon_seconds is None else self._soon_seconds)

    async def _attempt(self) -> str | None:
        """Write; why that failed, if it did."""
        callers, self._callers = self._callers, []
        noted, self._noted = self._noted, 0
        self._some.clear()
        self._now.clear()
        self._writing = True
        failure: str | None = self._ended_because
        try:
            await self._write()
            failure = None
        except QueueUnavailable as error:
            failure = str(error)
        except Exception as error:
            failure = f"a bug: {type(error).__name__}"  # its text may quote anything
        finally:
            self._writing = False
            if failure is not None:
                self._noted += noted
            _answer(callers, failure)
        self.came_to(failure)
        return failure


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _answer(callers: list[asyncio.Future[None]], failure: str | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if failure is None:
            caller.set_result(None)
        else:
            caller.set_exception(QueueUnavailable(failure))
