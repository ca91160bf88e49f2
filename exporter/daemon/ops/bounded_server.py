"""aiohttp's low-level server, bounded: half requests end, connections are limited, clients that err are no bugs."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

#: How long a connection may take for the head of a request, and may stay open without a request.
HEAD_SECONDS: Final = 30.0
#: How long the rest of a request's body is waited for once the request is answered.
BODY_SECONDS: Final = 2.0

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
#: What is answered where nobody was asked: from the status, and words of the parser, which may repeat what was sent.
Failed = Callable[[int, str], web.Response]


class BoundedServer(web.Server):
    """Answers by ``answer``; beyond ``most_connections`` the oldest is closed, so no client shuts the rest out.

    Bodies come as they were sent where ``unpacks`` is False, else unpacked as their ``Content-Encoding`` says. What is
    no HTTP is answered by ``failed``, and with plain text without it; so is a bug.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        most_connections: float = math.inf,
        head_seconds: float = HEAD_SECONDS,
        handler_cancellation: bool = False,
        unpacks: bool = True,
        failed: Failed | None = None,
    ) -> None:
        super().__init__(answer, handler_cancellation=handler_cancellation)
        self._most_connections = most_connections
        self._connection = partial(
            _Connection,
            self,
            failed,
            access_log=None,
            keepalive_timeout=head_seconds,
            lingering_time=BODY_SECONDS,
            auto_decompress=unpacks,
            logger=logging.getLogger("aiohttp.server"),
        )

    def __call__(self) -> web.RequestHandler:
        return self._connection(loop=asyncio.get_running_loop())

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        # The server has not yet been told of a connection that was closed just now.
        living = [each for each in self.connections if each.transport is not None]
        if len(living) > self._most_connections:
            living[0].force_close()


class _Connection(web.RequestHandler):
    """A connection of a client, which is told in the words of ``failed`` what cannot be answered."""

    __slots__ = ("_failed",)

    def __init__(self, server: web.Server, failed: Failed | None, **arguments: Any) -> None:
        super().__init__(server, **arguments)
        self._failed = failed

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        answer = super().handle_error(request, status, exc, message)
        if self._failed is None:
            return answer
        told = self._failed(status, message or "")
        told.force_close()
        return told

    def log_exception(self, *args: Any, **more: Any) -> None:
        """Logs bugs of the exporter only: clients may send nonsense, which has its 400, and go away, any number."""
        error = more.get("exc_info")
        gone = self.transport is None and isinstance(error, ConnectionError)
        if not gone and not isinstance(error, HttpProcessingError | web.RequestPayloadError):
            super().log_exception(*args, **more)
