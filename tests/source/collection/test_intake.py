"""Records on their way into a queue: in groups, in order, and durable before anybody is told that they are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import apsw
import pytest
from data_plane import NOW, OPEN, answers, converse, post
from data_plane import Judge as Tokens
from data_plane import plane as made_plane

from exporter.queues.journal.queue import open_journal
from exporter.queues.memory import open_memory
from exporter.queues.port import Batch, EventTooLarge, Outgoing, QueueFull, QueueUnavailable
from exporter.source.collection.checks.collected import Keyed
from exporter.source.collection.intake import GROUP_RECORDS, Intake, Kept, NotKept, Pending, Publishing
from exporter.source.collection.server.listener import ListenerOptions, open_listener
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.collection.taking import Taking
from exporter.tasks.background import in_background


def record(name: str, body: bytes = b"{}") -> Keyed:
    return Keyed("key", TakenRecord(name, NOW, OPEN.id, "flow-mapped", "dataset-1", Form.RAW, body))


class Queue:
    """Publishes when a test lets it, and fails as a test says."""

    def __init__(self) -> None:
        self.published: list[list[Outgoing]] = []
        self.failures: list[Exception] = []
        self.free = asyncio.Event()
        self.free.set()
        self.busy = asyncio.Event()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.busy.set()
        await self.free.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.published.append(list(messages))

    def names(self) -> list[list[str]]:
        return [[TakenRecord.from_bytes(each.body).xaction_id for each in group] for group in self.published]


@asynccontextmanager
async def running(queue: Publishing, hold_seconds: float = 5.0) -> AsyncIterator[Intake]:
    intake = Intake(queue, hold_seconds)
    async with in_background(intake.run):
        yield intake


async def test_what_comes_meanwhile_is_the_next_group() -> None:
    queue = Queue()
    async with running(queue) as intake:
        queue.free.clear()
        first = intake.keep([record("1")])
        await queue.busy.wait()
        others = [intake.keep([record(str(number))]) for number in range(2, 6)]
        await asyncio.sleep(0.02)
        assert not first.done()
        queue.free.set()
        assert [await each for each in (first, *others)] == [Kept()] * 5
    assert queue.names() == [["1"], ["2", "3", "4", "5"]]
    assert {each.key for group in queue.published for each in group} == {"key"}


async def test_a_group_has_an_end() -> None:
    queue = Queue()
    async with running(queue) as intake:
        kept = [intake.keep([record(str(number))]) for number in range(GROUP_RECORDS + 3)]
        assert [await each for each in kept] == [Kept()] * len(kept)
        big = intake.keep([record(f"b{number}") for number in range(GROUP_RECORDS * 2)])
        await big
    assert [len(group) for group in queue.published] == [GROUP_RECORDS, 3, GROUP_RECORDS * 2]


@pytest.mark.parametrize("failure", [QueueFull("full"), QueueUnavailable("away")])
async def test_a_queue_that_is_full_or_away_is_asked_again(failure: Exception) -> None:
    queue = Queue()
    queue.failures = [failure, failure]
    async with running(queue) as intake:
        assert await intake.keep([record("1")]) == Kept()
        queue.failures = [failure] * 1000
        intake.hold_seconds = 0.3
        assert await intake.keep([record("2")]) == NotKept(str(failure))
        queue.failures = []
        assert await intake.keep([record("3")]) == Kept()
    assert queue.names() == [["1"], ["3"]]


async def test_what_the_queue_can_never_take_is_named() -> None:
    queue = Queue()
    queue.failures = [EventTooLarge("too large", [1])]
    async with running(queue) as intake:
        assert await intake.keep([record("1"), record("2")]) == Kept(frozenset({"2"}))


async def test_nothing_is_left_waiting_at_the_end() -> None:
    queue = Queue()
    queue.free.clear()
    async with running(queue) as intake:
        first = intake.keep([record("1")])
        await queue.busy.wait()
        second = intake.keep([record("2") for _ in range(GROUP_RECORDS)])
    assert isinstance(await first, NotKept)
    assert isinstance(await second, NotKept)


async def test_any_queue_keeps_them_in_their_order() -> None:
    async with open_memory(max_bytes=10**6, groups=(), warn=print) as queue, running(queue) as intake:
        kept = [intake.keep([record(str(number), b"x" * number)]) for number in range(20)]
        assert [await each for each in kept] == [Kept()] * 20
        async with queue.subscribe("g", "earliest") as subscription:
            batch = await subscription.receive(100)
    assert isinstance(batch, Batch)
    found = [TakenRecord.from_bytes(message.body) for message in batch.messages]
    assert [(each.xaction_id, len(each.body)) for each in found] == [(str(number), number) for number in range(20)]


class Disk:
    """Files whose sync waits while ``shut``, and that remember whether anything was synced."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()

    def sync(self) -> None:
        if not self.open.is_set():
            self.waiting.set()
            self.open.wait(30)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.sync()
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("syncing", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self._disk, name, flags)


@contextmanager
def slow_disk() -> Iterator[Disk]:
    disk = Disk()
    vfs = _Vfs(disk)
    try:
        yield disk
    finally:
        disk.open.set()
        vfs.unregister()


@pytest.mark.usefixtures("either_loop")
async def test_no_answer_before_the_journal_is_synced(tmp_path: Path) -> None:
    with slow_disk() as disk:
        async with (
            open_journal(tmp_path / "intake.db", max_bytes=10**8, groups=(), warn=print) as queue,
            running(queue) as intake,
        ):
            loop = asyncio.get_running_loop()
            taking = Taking(made_plane(), Stamps(lambda: NOW), intake.keep, Tokens(), loop.time)
            async with open_listener(taking, ListenerOptions()) as listener:
                disk.open.clear()
                reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
                writer.write(post())
                assert await asyncio.to_thread(disk.waiting.wait, 20)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await reader.read(1)
                disk.open.set()
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
                writer.transport.abort()
                (found,) = answers(await converse(listener.port, post(b'{"a":2}')))
                assert found.status == 200
            async with queue.subscribe("g", "earliest") as subscription:
                batch = await subscription.receive(10)
                assert isinstance(batch, Batch)
                bodies = [TakenRecord.from_bytes(message.body).body for message in batch.messages]
    assert bodies == [b'{"a":1}', b'{"a":2}'][: len(bodies)]
    assert bodies


async def test_one_who_cannot_hear_keeps_it_from_nobody() -> None:
    pending, heard, told = Pending(), list[object](), list[dict[str, object]]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    pending.then(told_nothing)
    pending.then(heard.append)
    pending.settle(Kept())
    pending.then(heard.append)
    assert heard == [Kept()] * 2
    assert [type(context["exception"]) for context in told] == [LookupError]
    assert pending.done()


def told_nothing(outcome: object) -> None:
    raise LookupError


async def test_why_the_queue_takes_nothing_is_known_until_it_takes_something(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    async with running(queue, hold_seconds=0.05) as intake:
        assert intake.failure is None
        queue.failures = [QueueFull("10 GiB are there")] * 10
        assert await intake.keep([record("1")]) == NotKept("10 GiB are there")
        assert intake.failure == "the intake takes no records: 10 GiB are there"
        with monkeypatch.context() as patched:
            # Without requests nobody would know that it takes them again.
            patched.setattr("exporter.source.collection.intake.FAILURE_SECONDS", -1.0)
            assert intake.failure is None
        assert intake.failure is not None
        queue.failures = []
        assert await intake.keep([record("2")]) == Kept()
        assert intake.failure is None
