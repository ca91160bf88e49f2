"""A process that reads a JetStream queue, for tests: ``python nats_process.py URL STREAM LEASE GROUP SETTLE``."""

from __future__ import annotations

import asyncio
import sys

from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch


def say(text: str) -> None:
    print(text, flush=True)


async def hold(settings: NatsSettings, group: str, settle: int) -> None:
    """Read the group, settle and commit so many, take five more, and stay."""
    async with open_queue(settings, (), say) as queue, queue.subscribe(group, "earliest") as subscription:
        say("reading")
        for _ in range(settle):
            got = await subscription.receive(1)
            assert isinstance(got, Batch)
            subscription.settle(got.messages[0])
        await subscription.commit()
        got = await subscription.receive(5)
        assert isinstance(got, Batch)
        say(f"settled, and holds {len(got.messages)}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    url, stream, lease, group, settle = sys.argv[1:]
    asyncio.run(hold(NatsSettings(url=url, stream=stream, lease=float(lease)), group, int(settle)))
