"""A process that reads a Redis stream, for tests: ``python redis_process.py URL GROUP TAKE SETTLE``.

It takes so many events, settles those whose numbers are in the list ``SETTLE`` (1,2,5), says so, and stays.
"""

from __future__ import annotations

import asyncio
import sys

from exporter.queues.port import Batch
from exporter.queues.redis_streams.queue import open_redis
from exporter.queues.redis_streams.settings import RedisSettings


def say(text: str) -> None:
    print(text, flush=True)


async def main(url: str, group: str, take: str, settle: str) -> None:
    settings = RedisSettings.model_validate({"kind": "redis", "url": url})
    chosen = {int(number) for number in settle.split(",") if number}
    left = int(take)
    async with open_redis(settings, groups=(), warn=say) as queue, queue.subscribe(group, "earliest") as subscription:
        say("reading")
        while left:
            got = await subscription.receive(left)
            assert isinstance(got, Batch)
            left -= len(got.messages)
            for message in got.messages:
                if int(message.body.split(b":")[1]) in chosen:
                    subscription.settle(message)
        await subscription.commit()
        say("settled")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
