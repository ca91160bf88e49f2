"""When commits are made: in time, all together, again after a failure, and who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from contract import soon, turns

from exporter.queues import commit_timing
from exporter.queues.commit_timing import CommitTiming
from exporter.queues.port import COMMIT_MESSAGES, COMMIT_SECONDS, QueueUnavailable


class Writing:
    """An owner: ``written`` are the numbers that each write made durable; it can be made to fail, or to stand still."""

    def __init__(self, soon_seconds: float | None = None) -> None:
        self.waiting: list[int] = []
        self.written: list[list[int]] = []
        self.failures = 0
        self.failed = 0
        self.mended = 0
        self.free = asyncio.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.timing = CommitTiming(
            self._write,
            failed=self._has_failed,
            mended=self._has_mended,
            ended="it is over",
            again_most_seconds=0.2,
            soon_seconds=soon_seconds,
        )

    def settle(self, *numbers: int) -> None:
        self.waiting.extend(numbers)
        self.timing.note(len(numbers))

    async def _write(self) -> None:
        taken, self.waiting = self.waiting, []
        self.begun.set()
        await self.free.wait()
        if self.failures:
            self.failures -= 1
            self.waiting = taken + self.waiting
            raise QueueUnavailable("no space")
        self.written.append(taken)

    def _has_failed(self) -> None:
        assert self.timing.failure == "no space"
        self.failed += 1

    def _has_mended(self) -> None:
        assert self.timing.failure is None
        self.mended += 1


@asynccontextmanager
async def running(writing: Writing, going: Callable[[], bool] = lambda: True) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(writing.timing.run(going))
    await turns(2)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what makes a commit due at once makes it due."""
    monkeypatch.setattr(commit_timing, "COMMIT_SECONDS", 1e6)


async def test_what_settles_is_written_by_itself_and_together() -> None:
    writing = Writing()
    async with running(writing):
        writing.settle(1)
        writing.settle(2, 3)
        await soon(writing.begun.wait())
        await turns(3)
    assert writing.written == [[1, 2, 3]]


async def test_how_soon_is_its_owners_to_say() -> None:
    writing = Writing(soon_seconds=3600.0)
    async with running(writing):
        writing.settle(1)
        await asyncio.sleep(3 * COMMIT_SECONDS)
        assert writing.written == []
        await soon(writing.timing.commit())
        assert writing.written == [[1]]


@pytest.mark.usefixtures("never")
async def test_so_many_do_not_wait() -> None:
    writing = Writing()
    async with running(writing):
        writing.settle(*range(COMMIT_MESSAGES - 1))
        await asyncio.sleep(0.05)
        assert writing.written == []
        writing.settle(COMMIT_MESSAGES)
        await soon(writing.begun.wait())
        await turns(3)
    assert [len(each) for each in writing.written] == [COMMIT_MESSAGES]


@pytest.mark.usefixtures("never")
async def test_who_asks_does_not_wait_and_hears_when_it_is_done() -> None:
    writing = Writing()
    async with running(writing):
        writing.settle(1)
        await soon(writing.timing.commit())
        assert writing.written == [[1]]
        await soon(writing.timing.commit())
        assert writing.written == [[1]], "there was nothing to write"


@pytest.mark.usefixtures("never")
async def test_what_settles_during_a_write_is_part_of_the_next() -> None:
    writing = Writing()
    async with running(writing):
        writing.free.clear()
        writing.settle(1)
        first = asyncio.ensure_future(writing.timing.commit())
        await soon(writing.begun.wait())
        writing.settle(2)
        second = asyncio.ensure_future(writing.timing.commit())
        await turns(3)
        writing.free.set()
        await soon(first)
        await soon(second)
    assert writing.written == [[1], [2]]


@pytest.mark.usefixtures("never")
async def test_who_asks_during_a_write_of_all_waits_for_it() -> None:
    writing = Writing()
    async with running(writing):
        writing.free.clear()
        writing.settle(1)
        first = asyncio.ensure_future(writing.timing.commit())
        await soon(writing.begun.wait())
        second = asyncio.ensure_future(writing.timing.commit())
        await turns(5)
        assert not second.done()
        writing.free.set()
        await soon(first)
        await soon(second)
    assert writing.written[0] == [1]


async def test_a_failure_is_told_and_mended_without_being_asked() -> None:
    writing = Writing()
    writing.failures = 3
    async with running(writing):
        writing.settle(1, 2)
        with pytest.raises(QueueUnavailable, match="no space"):
            await soon(writing.timing.commit())
        assert writing.timing.failure == "no space"
        async with asyncio.timeout(30):
            while writing.timing.failure is not None:  # noqa: ASYNC110 - only looking again shows it
                await asyncio.sleep(0.01)
    assert (writing.written, writing.failed, writing.mended) == ([[1, 2]], 3, 1)


async def test_who_asks_after_a_failure_makes_it_try_again_at_once() -> None:
    writing = Writing()
    writing.failures = 3
    async with running(writing):
        writing.settle(1)
        for _ in range(3):
            with pytest.raises(QueueUnavailable, match="no space"):
                await soon(writing.timing.commit())
        await soon(writing.timing.commit())
    assert writing.written == [[1]]


async def test_many_that_settle_while_it_fails_do_not_make_it_try_more_often() -> None:
    writing = Writing()
    writing.failures = 10**9
    async with running(writing):
        writing.settle(0)
        with pytest.raises(QueueUnavailable):
            await soon(writing.timing.commit())
        for number in range(1, 20 * COMMIT_MESSAGES):
            writing.settle(number)
            if number % COMMIT_MESSAGES == 0:
                await turns(10)
        assert writing.failed < 5
        writing.failures = 0
        await soon(writing.timing.commit())
    assert [len(each) for each in writing.written] == [20 * COMMIT_MESSAGES]


async def test_who_waits_is_told_when_it_ends() -> None:
    writing = Writing()
    async with running(writing) as task:
        writing.free.clear()
        writing.settle(1)
        under_way = asyncio.ensure_future(writing.timing.commit())
        await soon(writing.begun.wait())
        writing.settle(2)
        waiting = asyncio.ensure_future(writing.timing.commit())
        await turns(3)
        task.cancel()
        for each in (under_way, waiting):
            with pytest.raises(QueueUnavailable, match="it is over"):
                await soon(each)
    with pytest.raises(QueueUnavailable, match="it is over"):
        await soon(writing.timing.commit())


async def test_a_caller_that_gave_up_costs_the_others_nothing() -> None:
    writing = Writing()
    async with running(writing):
        writing.free.clear()
        writing.settle(1)
        gone, patient = (asyncio.ensure_future(writing.timing.commit()) for _ in range(2))
        await soon(writing.begun.wait())
        gone.cancel()
        await turns(2)
        writing.free.set()
        await soon(patient)
    assert gone.cancelled()


async def test_it_stops_when_it_is_told_to_and_goes_on_when_it_is_run_again() -> None:
    writing = Writing()
    writing.settle(1)
    await soon(writing.timing.run(lambda: False))
    assert writing.written == [[1]]
    async with running(writing):
        writing.settle(2)
        await soon(writing.timing.commit())
    assert writing.written == [[1], [2]]


async def test_what_is_forgotten_is_not_waited_for() -> None:
    writing = Writing()
    writing.settle(1)
    waiting = asyncio.ensure_future(writing.timing.commit())
    await turns(2)
    writing.timing.forget()
    await soon(waiting)
    await soon(writing.timing.commit())
    assert writing.written == []


async def test_with_an_idle_time_it_writes_although_nothing_settles() -> None:
    written = asyncio.Event()

    async def write() -> None:
        written.set()

    timing = CommitTiming(write, failed=pytest.fail, ended="", again_most_seconds=1, idle_seconds=0.01)
    task = asyncio.ensure_future(timing.run())
    await soon(written.wait())
    task.cancel()
    await asyncio.wait([task])


async def test_a_bug_in_writing_is_told_like_any_failure_and_tried_again() -> None:
    """Else nothing would be made durable any more, and nobody would hear of it."""
    failures: list[str | None] = []
    tries = 0

    async def write() -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise ZeroDivisionError("what it quotes is nobody's business")

    timing = CommitTiming(
        write, failed=lambda: failures.append(timing.failure), ended="it is over", again_most_seconds=0.1
    )
    running = asyncio.ensure_future(timing.run())
    timing.note()
    with pytest.raises(QueueUnavailable, match=r"^a bug: ZeroDivisionError$"):
        await soon(timing.commit())
    async with asyncio.timeout(30):
        while tries < 3 or timing.failure is not None:  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.01)
    assert failures == ["a bug: ZeroDivisionError"] * 2
    await soon(timing.commit())
    running.cancel()
    await asyncio.wait([running])


async def test_whoever_reads_hears_that_nothing_will_be_written_any_more() -> None:
    """Should ``run`` end by something that nobody can go on after."""
    failed: list[str | None] = []

    async def write() -> None:
        raise SystemError

    timing = CommitTiming(write, failed=lambda: failed.append(timing.failure), ended="it is over", again_most_seconds=1)

    async def going() -> None:
        await timing.run(lambda: 1 // 0 > 0)

    timing.note()
    with pytest.raises(ZeroDivisionError):
        await soon(going())
    assert failed == ["a bug: SystemError", "it is over"]
    with pytest.raises(QueueUnavailable, match="it is over"):
        await soon(timing.commit())
