"""Ending a client for good, whatever the client's state: no task runs on, and no connection stays open.

The client's own ``stop`` gives up at the first error, which leaves connections open, and lets the cancellation of a
client's task out as if the caller had been cancelled: the caller would end without a word.
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

_CUT_SECONDS = 2.0  # for cancelled tasks to end


async def end(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Stop a consumer with a group, leaving the group if possible within ``seconds``. Raises no error of the client."""
    tasks = _tasks(consumer)
    try:
        await _tried(consumer.stop, seconds)
        await _ended(tasks | _tasks(consumer))
    finally:
        await _disconnected(consumer._client, seconds)


async def end_producer(producer: AIOKafkaProducer, seconds: float) -> None:
    """Stop a producer at once: unsent events are given up, and not sent later. Raises no error of the client."""
    producer._closed = True  # ``stop`` would wait until all is sent, and go on sending if cut short
    sending = producer._sender.sender_task
    await _disconnected(producer.client, seconds)
    await _ended(set() if sending is None else {sending})


def keep_informed(client: AIOKafkaClient) -> None:
    """Restart the client's task that asks which brokers lead, if an unexpected error has ended the task.

    The client does not notice that end.
    """
    if client._sync_task is not None and client._sync_task.done():
        client._sync_task = create_task(client._md_synchronizer())


def _tasks(consumer: AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """The background tasks that the client keeps references to; the task for metadata ends with the connections."""
    tasks: set[asyncio.Task[Any] | None] = set()
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    if coordinator is not None:
        tasks |= {coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task}
    if fetcher is not None:
        tasks |= {fetcher._fetch_task, *fetcher._pending_tasks}
    return {task for task in tasks if task is not None}


async def _tried(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do ``work``, unless that fails or takes longer than ``seconds``."""

    async def tried() -> None:
        with suppress(*CLIENT_ERRORS):
            async with asyncio.timeout(seconds):
                await work()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tried())  # apart: a cancellation from within ``work`` must not end the caller


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    running = {task for task in tasks if not task.done()}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=_CUT_SECONDS)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # known, or of no interest any more; asyncio would log an error never retrieved


async def _disconnected(client: AIOKafkaClient, seconds: float) -> None:
    try:
        client._get_conn = _no_connection  # a request that cannot be cancelled must not connect again
        await _tried(partial(_nobody_connects, client), seconds)
        await _tried(client.close, seconds)
        _know_nothing_more(client)
    finally:
        for connection in client._conns.values():
            connection.close()


def _know_nothing_more(client: AIOKafkaClient) -> None:
    """Release all waits for metadata, now and later, which would last for ever: the task that answers has ended."""
    waiting = client._md_update_fut
    if waiting is None:
        waiting = client._md_update_fut = asyncio.get_running_loop().create_future()
    if not waiting.done():
        waiting.set_result(False)


async def _nobody_connects(client: AIOKafkaClient) -> None:
    """Wait until no connection is being made, so that closing finds all connections."""
    async with client._get_conn_lock:
        pass


async def _no_connection(*_: object, **__: object) -> None:
    return None
