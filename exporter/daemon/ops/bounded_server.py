"""aiohttp's low-level server, bounded: half requests end, connections are limited, malformed requests are no bugs."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

#: How long a connection may take for the head of a request, and may stay open without a request.
HEAD_SECONDS: Final = 30.0
#: How long the rest of a request's body is waited for once the request is answered.
BODY_SECONDS: Final = 2.0

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BoundedServer(web.Server):
    """Answers by ``answer``; beyond ``most_connections`` the oldest is closed, so no client shuts the rest out."""

    def __init__(
        self,
        answer: Answer,
        *,
        most_connections: float = math.inf,
        head_seconds: float = HEAD_SECONDS,
        handler_cancellation: bool = False,
    ) -> None:
        super().__init__(
            answer,
            handler_cancellation=handler_cancellation,
            access_log=None,
            keepalive_timeout=head_seconds,
            lingering_time=BODY_SECONDS,
            logger=_OfBugs(logging.getLogger("aiohttp.server"), {}),
        )
        self._most_connections = most_connections

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        # The server has not yet been told of a connection that was closed just now.
        living = [each for each in self.connections if each.transport is not None]
        if len(living) > self._most_connections:
            living[0].force_close()


class _OfBugs(logging.LoggerAdapter[logging.Logger]):
    """Logs bugs of the exporter only: a malformed request has its 400, and clients may send any number."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs

    def exception(self, msg: object, *args: object, **more: Any) -> None:
        if not isinstance(more.get("exc_info"), HttpProcessingError | web.RequestPayloadError):
            super().exception(msg, *args, **more)
