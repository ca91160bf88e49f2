"""The timing of commits: soon after an event has settled, at once at 500 events or on request, again on failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable
from exporter.tasks.waiting import wait_at_most

_AGAIN_FIRST_SECONDS = 0.1


class CommitTiming:
    """Knows when to write, and which callers wait. The owner keeps all unwritten progress until ``write`` returned.

    The ``Commits`` of a kind are such an owner: a subclass that passes a method of its own as ``write``.
    """

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
            write: makes all durable that was noted before the call; raises QueueUnavailable on failure. Any other
                exception is a bug, which counts as a failure and is tried again: if ``run`` ended by a bug, settled
                events would wait for ever.
            failed: called after each failure, when ``failure`` already has the reason.
            mended: called after the first success that follows a failure.
            ended: the reason why nothing can be made durable once ``run`` has ended.
            again_most_seconds: the longest wait before a retry; the first wait is 0.1 s, and each wait doubles.
            soon_seconds: from the first settled event to the write; None: ``COMMIT_SECONDS``.
            idle_seconds: from a write to the next while nothing settles; None: nothing is written then.
        """
        self._write = write
        self._failed = failed
        self._mended = mended
        self._ended_because = ended
        self._again_most_seconds = again_most_seconds
        self._soon_seconds = soon_seconds
        self._idle_seconds = idle_seconds
        self._again_seconds = _AGAIN_FIRST_SECONDS
        self._noted = 0
        self._writing = False
        self._ended = False
        self._some = asyncio.Event()
        self._now = asyncio.Event()
        self._callers: list[asyncio.Future[None]] = []
        self.failure: str | None = None

    def note(self, count: int = 1) -> None:
        """Note that ``count`` more events have settled, at least 1."""
        before = self._noted
        self._noted = now = before + count
        if not before:
            self._some.set()
        if before < COMMIT_MESSAGES <= now:
            self._now.set()

    async def commit(self) -> None:
        """Return when all that was noted so far is durable.

        Raises:
            QueueUnavailable: an attempt to write has failed and will be repeated, or ``run`` has ended.
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
        """Write in time, until cancelled or ``going``, asked after each attempt, says no.

        May be called again after returning, but not after a cancellation or an exception.
        """
        try:
            while True:
                await self._until_due()
                await self._attempt()
                if not going():
                    return
        except BaseException as error:
            self.end()
            if not isinstance(error, asyncio.CancelledError):
                self.came_to(self._ended_because)  # readers are to hear of the end
            raise

    def end(self) -> None:
        """End for good: nothing will be written any more, and ``commit`` raises."""
        self._ended = True
        self.answer(self._ended_because)

    def forget(self) -> None:
        """Drop all that was noted: neither written nor waited for any more."""
        self._noted = 0
        self.answer(None)

    def answer(self, failure: str | None) -> None:
        """Let every waiting ``commit`` return, or raise with ``failure`` as the reason."""
        callers, self._callers = self._callers, []
        _answer(callers, failure)

    def came_to(self, failure: str | None) -> None:
        """Make the result of the last attempt known: ``failure`` is the reason, None stands for success."""
        before, self.failure = self.failure, failure
        if failure is not None:
            self._failed()
        elif before is not None:
            self._mended()

    async def wait(self, seconds: float) -> None:
        """Wait ``seconds``, or until a commit is asked for."""
        await wait_at_most(seconds, self._now)
        self._now.clear()

    async def _until_due(self) -> None:
        if self.failure is not None:
            await wait_at_most(self._again_seconds, self._now)
            self._again_seconds = min(2 * self._again_seconds, self._again_most_seconds)
            return
        self._again_seconds = _AGAIN_FIRST_SECONDS
        await wait_at_most(self._idle_seconds, self._some)
        if self._some.is_set():
            await wait_at_most(COMMIT_SECONDS if self._soon_seconds is None else self._soon_seconds, self._now)

    async def _attempt(self) -> None:
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
            failure = f"a bug: {type(error).__name__}"  # the error's text may quote anything
        finally:
            self._writing = False
            if failure is not None:
                self._noted += noted
            _answer(callers, failure)
        self.came_to(failure)


def _answer(callers: list[asyncio.Future[None]], failure: str | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if failure is None:
            caller.set_result(None)
        else:
            caller.set_exception(QueueUnavailable(failure))
