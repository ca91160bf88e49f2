"""A process that uses a journal, for tests: ``python journal_process.py publish|hold|fill PATH …``."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from exporter.queues.journal.queue import JournalQueue, open_journal
from exporter.queues.port import Batch, Outgoing, QueueUnavailable


def say(text: str) -> None:
    print(text, flush=True)


async def publish(queue: JournalQueue, name: str, count: int) -> None:
    """Publish one by one, saying each number once it is durable; then end without closing anything."""
    for number in range(count):
        await queue.publish([Outgoing(name, f"{name}:{number}".encode())])
        say(str(number))
    os._exit(0)


async def hold(queue: JournalQueue, group: str, settle: int) -> None:
    """Read the group, settle and commit so many, and stay."""
    async with queue.subscribe(group, "earliest") as subscription:
        say("reading")
        left = settle
        while left:
            got = await subscription.receive(left)
            assert isinstance(got, Batch)
            for message in got.messages:
                subscription.settle(message)
            left -= len(got.messages)
        await subscription.commit()
        say("settled")
        await asyncio.Event().wait()


async def fill(queue: JournalQueue, path: Path) -> None:
    """Let the disk be full while a group settles, then give it room again; says what happens."""
    await queue.publish([Outgoing(None, b"x:%d" % number) for number in range(10)])
    async with queue.subscribe("g", "earliest") as subscription:
        got = await subscription.receive(10)
        assert isinstance(got, Batch)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, hard))
        try:
            await queue.publish([Outgoing(None, b"lost" * 5000)])
        except QueueUnavailable:
            say("publish refused")
        for message in got.messages[:7]:
            subscription.settle(message)
        for call, run in (
            ("commit", subscription.commit),
            ("receive", lambda: subscription.receive(1)),
            ("check", queue.check),
        ):
            try:
                await run()
            except QueueUnavailable:
                say(f"{call} refused")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await queue.check()
        say("check passed")
        [place] = await queue.positions()
        say(f"settled to {place.settled_to}")
        await queue.publish([Outgoing(None, b"x:10")])
        got = await subscription.receive(10)
        assert isinstance(got, Batch)
        say(f"received {[message.body.decode() for message in got.messages]}")


async def main(command: str, path: Path, *rest: str) -> None:
    async with open_journal(path, max_bytes=10**9, groups=(), warn=say) as queue:
        if command == "publish":
            await publish(queue, rest[0], int(rest[1]))
        elif command == "hold":
            await hold(queue, rest[0], int(rest[1]))
        else:
            await fill(queue, path)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
