"""The port for operators: ``/live``, ``/ready``, ``/metrics`` and ``/status`` (contract.md#operation)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Final, Protocol, TypeVar

import orjson
from aiohttp import web

from exporter.telemetry.metrics import CONTENT_TYPE
from exporter.telemetry.status import DataflowStatus, Health

_JSON: Final = "application/json"

T = TypeVar("T")
Statuses = Sequence[DataflowStatus]


class Rendered(Protocol):
    """What ``/metrics`` shows: a process's own, or what others have to be asked for first."""

    def render(self) -> bytes | Awaitable[bytes]:
        """All series in Prometheus' text format."""


class OpsUnavailable(Exception):
    """The port could not be opened; says which, and why."""


@asynccontextmanager
async def serve(
    host: str,
    port: int,
    metrics: Rendered,
    health: Callable[[], Health],
    status: Callable[[], Statuses | Awaitable[Statuses]],
) -> AsyncIterator[int]:
    """Serve until the context ends; yields the port that it got (``port`` 0 takes a free one).

    ``health`` and ``status`` are called for every request and must not block.

    Raises:
        OpsUnavailable: the port is taken, the host is none of this machine's, or there is no permission.
    """
    # An access log would be a line per scrape; the short time-out keeps a scraper from holding up the end.
    runner = web.AppRunner(_application(metrics, health, status), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise OpsUnavailable(f"cannot serve the ops port on {host}:{port}: {reason}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(
    metrics: Rendered, health: Callable[[], Health], status: Callable[[], Statuses | Awaitable[Statuses]]
) -> web.Application:
    async def live(_request: web.Request) -> web.Response:
        return web.Response(body=b'{"live":true}', content_type=_JSON)

    async def ready(_request: web.Request) -> web.Response:
        now = health()
        return web.Response(body=orjson.dumps(now), status=200 if now.ready else 503, content_type=_JSON)

    async def scrape(_request: web.Request) -> web.Response:
        return web.Response(body=await _now(metrics.render()), headers={"Content-Type": CONTENT_TYPE})

    async def dataflows(_request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(list(await _now(status()))), content_type=_JSON)

    application = web.Application()
    application.router.add_get("/live", live)
    application.router.add_get("/ready", ready)
    application.router.add_get("/metrics", scrape)
    application.router.add_get("/status", dataflows)
    return application


async def _now(value: T | Awaitable[T]) -> T:
    return await value if isawaitable(value) else value
