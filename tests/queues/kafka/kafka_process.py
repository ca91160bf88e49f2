"""A member of a group as a process of its own: prints each message that it delivered, after settling it.

``kafka_process.py ADDRESS TOPIC GROUP``; ends when it is killed, or when its stdin ends.
"""

from __future__ import annotations

import asyncio
import sys

from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, QueueUnavailable


async def main(address: str, topic: str, group: str) -> None:
    values = {"kind": "kafka", "bootstrap_servers": address, "topic": topic, "group_prefix": "", "session_timeout": 2}
    settings = KafkaSettings.model_validate(values)
    async with (
        open_queue(settings, (), lambda text: print(text, file=sys.stderr)) as queue,
        queue.subscribe(group, "earliest") as subscription,
    ):
        print("ready", flush=True)
        while True:
            try:
                got = await subscription.receive(20)
            except QueueUnavailable as error:
                print(error, file=sys.stderr)
                await asyncio.sleep(0.2)
                continue
            if isinstance(got, Batch):
                await asyncio.sleep(0.002)
                for message in got.messages:
                    print(message.body.decode(), flush=True)
                    subscription.settle(message)
            else:
                print(got, file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
