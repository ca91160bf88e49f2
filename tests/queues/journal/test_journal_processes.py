"""The journal with several real processes, some of them killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from contract import batch, events, numbers, soon, stays_silent, take

from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import GroupInUse

PROGRAM = Path(__file__).with_name("journal_process.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@asynccontextmanager
async def process(command: str, path: Path, *rest: str) -> AsyncIterator[Process]:
    """One that is killed in the end if it still runs."""
    running = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, command, path, *rest, stdout=PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await soon(running.wait())


async def said(running: Process) -> str:
    assert running.stdout is not None
    return (await soon(running.stdout.readline())).decode().strip()


def journal(path: Path) -> AbstractAsyncContextManager[JournalQueue]:
    return open_journal(path, max_bytes=10**9, groups=(), warn=pytest.fail)


async def test_what_was_published_survives_a_kill(path: Path) -> None:
    async with process("publish", path, "p", "100000") as publisher:
        for number in range(50):
            assert await said(publisher) == str(number)
        publisher.send_signal(signal.SIGKILL)
        await soon(publisher.wait())
        assert publisher.stdout is not None
        promised = 50 + len((await publisher.stdout.read()).splitlines())
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        taken = await take(subscription, promised)
        assert numbers(taken) == list(range(promised))


async def test_several_processes_publish_while_one_reads(path: Path) -> None:
    async with (
        journal(path) as queue,
        queue.subscribe("g", "earliest") as subscription,
        process("publish", path, "a", "200") as a,
        process("publish", path, "b", "200") as b,
    ):
        bodies: list[bytes] = []
        while len(bodies) < 400:
            for message in await batch(subscription):
                subscription.settle(message)
                bodies.append(message.body)
        for name in ("a", "b"):
            assert [body for body in bodies if body.startswith(name.encode())] == [
                f"{name}:{number}".encode() for number in range(200)
            ]
        assert await stays_silent(subscription)
        for publisher in (a, b):
            assert publisher.stdout is not None
            await publisher.stdout.read()
            assert await soon(publisher.wait()) == 0


async def test_a_standby_takes_over_when_the_reader_is_killed(path: Path) -> None:
    async with journal(path) as queue:
        await queue.publish(events(10))
        async with process("hold", path, "g", "6") as holder:
            assert await said(holder) == "reading"
            assert await said(holder) == "settled"
            with pytest.raises(GroupInUse):
                await queue.seek("g", "earliest")
            with pytest.raises(GroupInUse):
                await queue.drop("g")
            assert [place.reader for place in await queue.positions()] == [True]
            entered = asyncio.Event()

            async def standby() -> list[int]:
                async with queue.subscribe("g", "earliest") as subscription:
                    entered.set()
                    return numbers(await take(subscription, 4))

            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(standby())
                await asyncio.sleep(0.6)
                assert not entered.is_set()
                holder.send_signal(signal.SIGKILL)
                assert await soon(taking) == [6, 7, 8, 9]
        assert [place.reader for place in await queue.positions()] == [False]


async def test_a_full_disk_refuses_and_nothing_is_lost_when_there_is_room_again(path: Path) -> None:
    async with process("fill", path) as filler:
        lines = [await said(filler) for _ in range(7)]
        assert await soon(filler.wait()) == 0
    assert lines == [
        "publish refused",
        "commit refused",
        "receive refused",
        "check refused",
        "check passed",
        "settled to 7",
        "received ['x:10']",
    ]
    async with journal(path) as queue, queue.subscribe("g", "earliest") as subscription:
        assert numbers(await take(subscription, 4)) == [7, 8, 9, 10]
