"""The port for operators: ``/live``, ``/ready``, ``/metrics`` and ``/status`` (contract.md#operation)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Final, Protocol, TypeVar

import orjson
from aiohttp import web

from exporter.daemon.ops.bounded_server import Answer, BoundedServer
from exporter.daemon.ops.listening import listen
from exporter.telemetry.metrics import CONTENT_TYPE
from exporter.telemetry.status import DataflowStatus, Health

_JSON: Final = "application/json"
#: Scrapers, probes and people; beyond that the oldest connection is closed.
MOST_CONNECTIONS: Final = 64

T = TypeVar("T")
Statuses = Sequence[DataflowStatus]


class Rendered(Protocol):
    """The source of ``/metrics``: the process's own metrics, or metrics that workers are asked for first."""

    def render(self) -> bytes | Awaitable[bytes]:
        """All series in Prometheus' text format."""


class OpsUnavailable(Exception):
    """The ops port could not be opened; the text says which port, and why."""


@asynccontextmanager
async def serve(
    host: str,
    port: int,
    metrics: Rendered,
    health: Callable[[], Health],
    status: Callable[[], Statuses | Awaitable[Statuses]],
) -> AsyncIterator[int]:
    """Serve until the context ends; yields the port that was opened (``port`` 0 takes a free port).

    ``health`` and ``status`` are called for every request and must not block.

    Raises:
        OpsUnavailable: the port is taken, the host is no address of this machine, or permission is missing.
    """
    server = BoundedServer(_answering(metrics, health, status), most_connections=MOST_CONNECTIONS)
    # The short time-out keeps a scraper from holding up the end.
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await listen(runner, host, port)
        except (OSError, OverflowError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise OpsUnavailable(f"cannot serve the ops port on {host}:{port}: {reason}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answering(
    metrics: Rendered, health: Callable[[], Health], status: Callable[[], Statuses | Awaitable[Statuses]]
) -> Answer:
    async def live() -> web.Response:
        return web.Response(body=b'{"live":true}', content_type=_JSON)

    async def ready() -> web.Response:
        now = health()
        return web.Response(body=orjson.dumps(now), status=200 if now.ready else 503, content_type=_JSON)

    async def scrape() -> web.Response:
        return web.Response(body=await _now(metrics.render()), headers={"Content-Type": CONTENT_TYPE})

    async def dataflows() -> web.Response:
        return web.Response(body=orjson.dumps(list(await _now(status()))), content_type=_JSON)

    paths = {"/live": live, "/ready": ready, "/metrics": scrape, "/status": dataflows}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found = paths.get(request.path)
        if found is None:
            return web.Response(status=404, text=f"there is {', '.join(paths)}\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return await found()

    return answer


async def _now(value: T | Awaitable[T]) -> T:
    return await value if isawaitable(value) else value
