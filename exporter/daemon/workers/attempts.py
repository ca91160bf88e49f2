"""The attempts of all workers, over the parent's ops port and its socket: the workers are asked on theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import urlencode

import aiohttp
import msgspec
import orjson

from exporter.daemon.ops.attempt_lines import Lines, Readers
from exporter.daemon.ops.attempts import PATH, QUIET_SECONDS
from exporter.daemon.workers.asking import WorkerSilent, asked
from exporter.daemon.workers.worker import Worker
from exporter.tasks.background import for_ever, in_background
from exporter.telemetry.attempts import Attempt

#: How long a worker may take to answer, and may say nothing: it writes at least every ``QUIET_SECONDS``.
ANSWER_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 3 * QUIET_SECONDS
#: Between two tries to reach a worker that does not answer.
TRY_SECONDS: Final = 1.0
#: The longest line of a worker that is passed on.
LINE_BYTES: Final = 2 * 1024 * 1024

_ASKED = aiohttp.ClientTimeout(ANSWER_SECONDS)
_WATCHING = aiohttp.ClientTimeout(connect=ANSWER_SECONDS, sock_read=SILENT_SECONDS)
_ATTEMPT = msgspec.json.Decoder(Attempt)


class WorkersAttempts:
    """``AttemptsDesk`` of a parent. ``running`` gives the destinations that run now, ``file`` as for ``asked``."""

    def __init__(self, workers: Sequence[Worker], running: Callable[[], Collection[str]], file: str | None) -> None:
        self.names = running
        self._workers = workers
        self._file = file
        self._readers = Readers()

    async def latest(self, destination: str) -> Sequence[Attempt] | str:
        worker = self._worker_of(destination)
        if worker is None:
            return ()
        query = urlencode({"destination": destination, "bodies": 1, "follow": 0})
        try:
            async with (
                asked(worker, self._file, _ASKED) as session,
                session.get(f"http://worker{PATH}?{query}") as answer,
            ):
                if answer.status != 200:
                    return await _refusal(answer)
                return [_ATTEMPT.decode(line) for line in reversed((await answer.read()).splitlines())]
        except WorkerSilent as silent:
            return str(silent)

    @asynccontextmanager
    async def watching(self, destination: str | None, *, bodies: bool) -> AsyncIterator[Lines]:
        with self._readers.reader(bodies=bodies) as lines:
            passing = [partial(self._pass_on, worker, destination, lines) for worker in self._workers]
            async with in_background(*(partial(for_ever, each, lines.notice) for each in passing)):
                yield lines

    def end(self) -> None:
        """Tell all who watch that the process ends."""
        self._readers.end()

    async def _pass_on(self, worker: Worker, destination: str | None, lines: Lines) -> None:
        """Pass on the lines of a worker, as long as ``destination`` runs there; tell when it answers and when not."""
        query = {"bodies": str(int(lines.bodies))} | ({} if destination is None else {"destination": destination})
        silent = False
        while True:
            if destination is None or self._worker_of(destination) is worker:
                why = f"shard {worker.shard} has stopped"
                try:
                    async with (
                        asked(worker, self._file, _WATCHING) as session,
                        session.get(f"http://worker{PATH}?{urlencode(query)}") as answer,
                    ):
                        if answer.status != 200:
                            why = f"shard {worker.shard}: {await _refusal(answer)}"
                        else:
                            if silent:
                                lines.notice(f"shard {worker.shard} answers again")
                            silent = False
                            await _passed_on(answer.content, lines)
                except WorkerSilent as error:
                    why = str(error)
                if not silent:
                    lines.notice(why)
                silent = True
            await asyncio.sleep(TRY_SECONDS)

    def _worker_of(self, destination: str) -> Worker | None:
        names = self.names()
        return next((each for each in self._workers if destination in each.shard.owned(names)), None)


async def _refusal(answer: aiohttp.ClientResponse) -> str:
    """What a worker says instead, such as during a reload, which reaches it before or after its parent."""
    return str(orjson.loads(await answer.read())["error"])


async def _passed_on(content: aiohttp.StreamReader, lines: Lines) -> None:
    """Pass on every line until the end.

    Raises:
        ValueError: a line is too long.
    """
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            lines.pass_on(line)
        if len(rest) > LINE_BYTES:
            raise ValueError
