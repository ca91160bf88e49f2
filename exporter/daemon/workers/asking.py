"""Asks a worker on its socket, where whoever may open it needs no token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from exporter.daemon.workers.worker import Worker
from exporter.telemetry.status import StatusDocument

_STATUS = msgspec.json.Decoder(StatusDocument)

#: What the failure of an exchange with a worker raises.
FAILURES = (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError)


class WorkerSilent(Exception):
    """A worker does not answer; the text says which, for people."""


@asynccontextmanager
async def asked(
    worker: Worker, file: str | None, timeout: aiohttp.ClientTimeout
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the worker, for requests of ``http://worker``, each within ``timeout``.

    ``file`` is the main file of the configuration: a process that says that it runs another one is no worker of it, but
    that of another exporter, which had the socket before.

    Raises:
        WorkerSilent: the worker has no socket, or does not answer, also within the context.
    """
    if not worker.sockets:
        raise WorkerSilent(f"shard {worker.shard} has no socket to be asked by: set ops.socket")
    try:
        for socket in worker.sockets:
            connector = aiohttp.UnixConnector(str(socket))
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                if await _is_of(session, file):
                    yield session
                    return
    except FAILURES as error:
        raise _silent(worker) from error
    raise _silent(worker)


async def _is_of(session: aiohttp.ClientSession, file: str | None) -> bool:
    try:
        async with session.get("http://worker/status") as answer:
            return _STATUS.decode(await answer.read()).config.file == file
    except FAILURES:
        return False


def _silent(worker: Worker) -> WorkerSilent:
    tried = " or ".join(map(str, worker.sockets))
    return WorkerSilent(f"shard {worker.shard} does not answer on its socket {tried}")
