"""Ending a client for good, in whatever state it is: nothing of it runs on, and no connection stays open.

The client's own ``stop`` gives up at the first error, which leaves its connections open. And it lets a cancellation of
one of its own tasks out as if it were ours: whoever called it would end without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.util import create_task

from exporter.queues.kafka.failures import CLIENT_ERRORS

_CUT_SECONDS = 2.0  # for what was cancelled, to end


async def end(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Stop a consumer with a group, which leaves the group if it can within so many seconds. Raises no error of the
    client."""
    tasks = _tasks(consumer)
    try:
        await _tried(consumer.stop, seconds)
        await _ended(tasks | _tasks(consumer))
    finally:
        await _disconnected(consumer._client, seconds)


async def end_producer(producer: AIOKafkaProducer, seconds: float) -> None:
    """Stop a producer at once: what it holds is given up, and not sent later. Raises no error of the client."""
    producer._closed = True  # its own ``stop`` would wait until all is sent, and if that is cut short, go on sending
    sending = producer._sender.sender_task
    await _disconnected(producer.client, seconds)
    await _ended(set() if sending is None else {sending})


def keep_informed(client: AIOKafkaClient) -> None:
    """See that the client learns which brokers lead: what it does not expect ends the task that asks, and it does not
    notice."""
    if client._sync_task is not None and client._sync_task.done():
        client._sync_task = create_task(client._md_synchronizer())


def _tasks(consumer: AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """All that the client runs beside, and keeps a reference to; that for metadata ends with its connections."""
    tasks: set[asyncio.Task[Any] | None] = set()
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    if coordinator is not None:
        tasks |= {coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task}
    if fetcher is not None:
        tasks |= {fetcher._fetch_task, *fetcher._pending_tasks}
    return {task for task in tasks if task is not None}


async def _tried(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do it, unless that takes longer or fails."""

    async def tried() -> None:
        with suppress(*CLIENT_ERRORS):
            async with asyncio.timeout(seconds):
                await work()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tried())  # for itself: a cancellation that comes out of it is not ours


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    running = {task for task in tasks if not task.done()}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=_CUT_SECONDS)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # known, or of no interest any more; else it would be logged as never retrieved


async def _disconnected(client: AIOKafkaClient, seconds: float) -> None:
    try:
        client._get_conn = _no_connection  # a request that nobody can cancel must not connect again
        await _tried(partial(_nobody_connects, client), seconds)
        await _tried(client.close, seconds)
        _know_nothing_more(client)
    finally:
        for connection in client._conns.values():
            connection.close()


def _know_nothing_more(client: AIOKafkaClient) -> None:
    """Who waits for metadata, now or later, would wait for ever for a task that has ended."""
    waiting = client._md_update_fut
    if waiting is None:
        waiting = client._md_update_fut = asyncio.get_running_loop().create_future()
    if not waiting.done():
        waiting.set_result(False)


async def _nobody_connects(client: AIOKafkaClient) -> None:
    """Wait for a connection that is being made, so that closing finds it."""
    async with client._get_conn_lock:
        pass


async def _no_connection(*_: object, **__: object) -> None:
    return None
