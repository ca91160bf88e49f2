"""What is done by hand over the parent's ops port: passed on to the worker that runs the destination."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
import orjson

from exporter.daemon.ops.actions import ActionResult, Done, NotDone, Posted, Reason
from exporter.daemon.ops.by_hand import REPLAY, STATUS, Wanted
from exporter.daemon.workers.asking import WorkerSilent, asked
from exporter.daemon.workers.worker import Worker
from exporter.state.letter import Filter

#: How long a worker may take: the state may be away, and a worker gives up by itself.
ANSWER_SECONDS = 30.0

_ANSWERED = aiohttp.ClientTimeout(ANSWER_SECONDS)
_REASONS: Mapping[int, Reason] = {status: reason for reason, status in STATUS.items()}


class WorkersActions:
    """``Actions`` of a parent. ``names`` gives the destinations that run now; a worker's socket is asked.

    ``file`` is the main file of the configuration: a process that says that it runs another one is no worker of it.
    """

    def __init__(
        self, workers: Sequence[Worker], names: Callable[[], Collection[str]], file: str | None = None
    ) -> None:
        self._workers = workers
        self._names = names
        self._file = file

    async def pause(self, name: str, why: str, by: str = "") -> ActionResult:
        return await self._passed_on("pause", name, {"why": why, "by": by})

    async def resume(self, name: str) -> ActionResult:
        return await self._passed_on("resume", name, {})

    async def probe(self, name: str) -> ActionResult:
        return await self._passed_on("probe", name, {})

    async def test(self, name: str) -> ActionResult:
        return await self._passed_on("test", name, {})

    async def replay(self, which: Filter, *, superseded: bool) -> ActionResult:
        """All workers share the state, so the first that answers asks for it."""
        body = msgspec.to_builtins(Wanted.of(which, superseded=superseded))
        result: ActionResult = NotDone("unavailable", "no worker answers on its socket")
        for worker in self._workers:
            result = await self._asked(worker, REPLAY, body)
            if isinstance(result, Done) or result.reason != "unavailable":
                break
        return result

    async def _passed_on(self, action: Posted, name: str, body: Mapping[str, str]) -> ActionResult:
        running = self._names()
        worker = next((each for each in self._workers if name in each.shard.owned(running)), None)
        if worker is None:
            return NotDone("unknown", "no destination of this name runs here")
        return await self._asked(worker, f"/destinations/{name}/{action}", body)

    async def _asked(self, worker: Worker, path: str, body: Mapping[str, Any]) -> ActionResult:
        try:
            async with (
                asked(worker, self._file, _ANSWERED) as session,
                session.post(f"http://worker{path}", json=dict(body)) as answer,
            ):
                return _read(answer.status, orjson.loads(await answer.read()))
        except WorkerSilent as silent:
            return NotDone("unavailable", str(silent))


def _read(status: int, told: Mapping[str, Any]) -> ActionResult:
    detail = str(told.get("detail", told.get("error", "")))
    if status == 200:
        return Done(detail, {name: value for name, value in told.items() if type(value) is int})
    return NotDone(_REASONS.get(status, "unavailable"), detail)
