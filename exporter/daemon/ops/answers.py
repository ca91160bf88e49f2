"""What the daemon answers on its ops port and its socket (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Final, Protocol, TypeAlias, TypeVar

import orjson
from aiohttp import web

from exporter.daemon.ops.actions import Actions
from exporter.daemon.ops.attempts import PATH as ATTEMPTS
from exporter.daemon.ops.attempts import AttemptsDesk, attempts_asked
from exporter.daemon.ops.bounded_server import Answer
from exporter.daemon.ops.by_hand import JSON, PATHS, Admit, by_hand
from exporter.daemon.ops.page.sheets import Sheets
from exporter.telemetry.exposition import CONTENT_TYPE
from exporter.telemetry.logs import Log
from exporter.telemetry.status import Health

T = TypeVar("T")
#: The answer to a request for a page, None to any other request.
Pages: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]]


class Exposed(Protocol):
    """The source of ``/metrics``: the process's own metrics, or metrics that workers are asked for first."""

    async def expose(self) -> bytes:
        """All series, to be served as ``CONTENT_TYPE``."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom the answers come from. ``health`` and ``status`` are called for every request and must not block.

    ``actions`` is None where nothing can be done by hand, ``attempts`` where none are made, ``sheets`` where there is
    no page for people.
    """

    metrics: Exposed
    health: Callable[[], Health]
    status: Callable[[], object | Awaitable[object]]
    log: Log
    actions: Actions | None = None
    attempts: AttemptsDesk | None = None
    sheets: Sheets | None = None


def answering(desk: Desk, admit: Admit, page: Pages | None = None) -> Answer:
    """The answers from ``desk``; ``admit`` decides who may act, and ``page`` answers browsers."""

    async def live() -> web.Response:
        return web.Response(body=b'{"live":true}', content_type=JSON)

    async def ready() -> web.Response:
        now = desk.health()
        return web.Response(body=orjson.dumps(now), status=200 if now.ready else 503, content_type=JSON)

    async def scrape() -> web.Response:
        return web.Response(body=await desk.metrics.expose(), headers={"Content-Type": CONTENT_TYPE})

    async def status() -> web.Response:
        return web.Response(body=orjson.dumps(await _now(desk.status())), content_type=JSON)

    paths: Final = {"/live": live, "/ready": ready, "/metrics": scrape, "/status": status}

    there: Final = [
        *([] if page is None else ["/"]),
        *paths,
        *([] if desk.attempts is None else [ATTEMPTS]),
        *([] if desk.actions is None else [PATHS]),
    ]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        acted = await by_hand(request, desk.actions, admit, desk.log)
        if acted is not None:
            return acted
        watched = await attempts_asked(request, desk.attempts, admit, desk.log)
        if watched is not None:
            return watched
        if page is not None and (shown := await page(request)) is not None:
            return shown
        found = paths.get(request.path)
        if found is None:
            return web.Response(status=404, text=f"there is {', '.join(there)}\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return await found()

    return answer


async def _now(value: T | Awaitable[T]) -> T:
    return await value if isawaitable(value) else value
