"""A queue on three NATS servers with a replicated stream, of which one after another is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from contract import events, numbers, settled_lag
from nats_broker import Broker, free_port

from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.kinds import open_queue
from exporter.queues.port import Batch, LaneLost, Queue, QueueUnavailable

TOTAL = 3000


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Broker]]:
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
    with ExitStack() as running:
        found = []
        for number, port in enumerate(ports):
            folder = tmp_path / str(number)
            folder.mkdir()
            cluster = f'cluster: {{name: c, listen: "127.0.0.1:{port}", routes: [{routes}]}}'
            server = Broker(folder, f"server_name: s{number}\n{cluster}\n")
            server.start()
            running.callback(server.kill)  # a cluster takes its time to stop in order
            found.append(server)
        yield found


async def all_settled(queue: Queue) -> bool:
    """Whether all is committed, as far as a server that may be just back can tell."""
    try:
        return await settled_lag(queue, "g") == 0
    except QueueUnavailable:
        return False


async def test_each_server_killed_in_turn_under_load_loses_nothing_and_keeps_the_order(servers: list[Broker]) -> None:
    url = ",".join(server.url for server in servers)
    config = NatsSettings(url=url, create=True, replicas=3, lease=3)
    taken: list[int] = []

    async def persist(begin: int) -> int:
        while True:
            try:
                return await queue.publish(events(50, profiles=5, begin=begin))
            except QueueUnavailable:
                await asyncio.sleep(0.1)

    async def publish() -> None:
        for begin in range(0, TOTAL, 50):
            await persist(begin)
            await asyncio.sleep(0.05)

    async def kill_in_turn() -> None:
        for number, server in enumerate(servers):
            while len(taken) < TOTAL * (number + 1) // 5:  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.05)
            server.kill()
            await asyncio.sleep(2)
            server.start()
            await asyncio.sleep(4)

    async with asyncio.timeout(150):
        for server in servers:
            await server.answers()
        while True:  # until the servers have found each other
            try:
                async with open_queue(config, (), pytest.fail):
                    break
            except QueueUnavailable:
                await asyncio.sleep(0.2)
        # A server that is just back may not know the bucket yet when the group is given up: then there is a warning.
        warnings: list[str] = []
        async with open_queue(config, (), warnings.append) as queue:
            async with queue.subscribe("g", "earliest") as subscription, asyncio.TaskGroup() as tasks:
                tasks.create_task(publish())
                tasks.create_task(kill_in_turn())
                while len(set(taken)) < TOTAL:
                    try:
                        got = await subscription.receive(20)
                    except QueueUnavailable:
                        await asyncio.sleep(0.1)
                        continue
                    if isinstance(got, LaneLost):
                        continue
                    assert isinstance(got, Batch)
                    for message in got.messages:
                        subscription.settle(message)
                    taken.extend(numbers(got.messages))
                while True:
                    try:
                        await subscription.commit()
                        break
                    except QueueUnavailable:
                        await asyncio.sleep(0.1)
            while not await all_settled(queue):  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.1)
    for profile in range(5):
        firsts = list(dict.fromkeys(number for number in taken if number % 5 == profile))
        assert firsts == sorted(firsts)
