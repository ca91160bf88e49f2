"""The receiver: an endpoint with a token server and faults, for development, the demo and the tests.

``/token`` issues tokens, ``/control`` and ``/control/counters`` steer and observe the receiver, every other path is the
endpoint. ``/control`` has no authentication: this is a development tool, to be bound to the loopback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
from aiohttp import web
from pydantic import ValidationError

from exporter.daemon.ops.bounded_server import BoundedServer
from exporter.daemon.ops.listening import listen
from exporter.receiver.counters import Counters
from exporter.receiver.endpoint import Endpoint, Observer
from exporter.receiver.faults import FaultChange, changed
from exporter.receiver.options import ReceiverOptions
from exporter.receiver.token_endpoint import TokenEndpoint, TokenObserver, json_answer
from exporter.receiver.tokens import Tokens
from exporter.sections.urls import http_address
from exporter.tasks.background import group


class Receiver:
    """A running receiver, made by ``open_receiver``."""

    def __init__(
        self,
        options: ReceiverOptions,
        observers: Sequence[Observer],
        token_observer: TokenObserver,
        group: asyncio.TaskGroup,
    ) -> None:
        demands = options.auth != "none"
        self._host, self._port = options.host, options.port
        self._counters = Counters()
        self._tokens = Tokens(options.auth, options.credentials, options.token_lifetime, time.monotonic)
        self._endpoint = Endpoint(options.faults, self._tokens, demands, self._counters, observers, options.seed)
        issues = options.auth.startswith("oauth2_")
        self._token_endpoint = TokenEndpoint(options.faults, self._tokens, issues, self._counters, token_observer)
        self._server = _Server(self)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.5)
        self._carriers: set[web.RequestHandler] = set()
        self._group = group
        self._refusal: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that the receiver listens on."""
        return self._port

    @property
    def base(self) -> str:
        """The receiver's address without a path."""
        return http_address(self._host, self._port)

    @property
    def url(self) -> str:
        """The URL of an endpoint; any other path but those of the token server and of control is one, too."""
        return f"{self.base}/profiles"

    @property
    def token_url(self) -> str:
        """The URL of the token endpoint."""
        return f"{self.base}/token"

    @property
    def control_url(self) -> str:
        """Where faults are read (GET) and changed (PUT)."""
        return f"{self.base}/control"

    @property
    def counters(self) -> Counters:
        """The counts so far; the live object, to be read only."""
        self._counters.tokens_issued = self._tokens.issued
        self._counters.connections_open = len(self._carriers)
        return self._counters

    async def control(self, **change: object) -> None:
        """Change faults by name (the names of ``FaultChange``); a fault that is not named stays.

        Raises:
            pydantic.ValidationError: an unknown name or a bad value; nothing was changed.
        """
        await self._apply(changed(self._endpoint.faults, change))

    async def _apply(self, change: FaultChange, spare: web.RequestHandler | None = None) -> None:
        self._endpoint.faults = self._token_endpoint.faults = change.faults()
        if change.revoke:
            self._tokens.revoke()
        if change.reject_auth_seconds is not None:
            self._tokens.reject_for(change.reject_auth_seconds)
        if change.refuse_seconds is not None:
            await self._refuse(change.refuse_seconds, spare)

    async def _refuse(self, seconds: float, spare: web.RequestHandler | None) -> None:
        """Close all connections but ``spare``, and refuse new connections until the time is over."""
        for site in self._runner.sites:
            await site.stop()
        for connection in self._server.connections:
            if connection is not spare:
                connection.force_close()
        if self._refusal is not None:
            self._refusal.cancel()
        self._refusal = self._group.create_task(self._listen_after(seconds))

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the port cannot be listened on.
        """
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        """Listen on the port, after a refusal on the same port again. Raises as ``start``."""
        await listen(self._runner, self._host, self._port, backlog=1024)
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Let requests that are being answered finish within half a second, and close all."""
        if self._refusal is not None:
            self._refusal.cancel()
        self._endpoint.stop()
        await self._runner.cleanup()

    def lost(self, connection: web.RequestHandler) -> None:
        """Forget a connection that is gone."""
        self._carriers.discard(connection)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whichever path the request is for."""
        match request.rel_url.raw_path:
            case "/token":
                return await self._token_endpoint.answer(request)
            case "/control":
                return await self._steer(request)
            case "/control/counters":
                return json_answer(self.counters)
            case _:
                if request.protocol not in self._carriers:
                    self._carriers.add(request.protocol)
                    self._counters.connections += 1
                return await self._endpoint.answer(request)

    async def _steer(self, request: web.BaseRequest) -> web.Response:
        """Show or change the faults."""
        if request.method not in ("GET", "PUT"):
            return web.Response(status=405, headers={"Allow": "GET, PUT"})
        if request.method == "PUT":
            change = _control_request(await request.content.read(), self._endpoint)
            if isinstance(change, str):
                return web.Response(status=400, text=change)
            await self._apply(change, spare=request.protocol)
        return json_answer(self._endpoint.faults.model_dump())


class _Server(BoundedServer):
    """No router and no middleware, which a receiver does not need.

    The handler is cancelled when the sender goes away, so that a record shows when a request ended.
    """

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver.handle, handler_cancellation=True)
        self._receiver = receiver

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._receiver.lost(handler)


def _control_request(body: bytes, endpoint: Endpoint) -> FaultChange | str:
    """The change that ``body`` asks for, or the mistakes in ``body``."""
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict):
            return "expected a JSON object\n"
        return changed(endpoint.faults, document)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}\n"
    except ValidationError as error:
        return "".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}\n" for e in error.errors(include_input=False))


def _unobserved(status: int, note: str) -> None:
    """Ignore the token requests of a receiver."""


@asynccontextmanager
async def open_receiver(
    options: ReceiverOptions | None = None,
    observers: Sequence[Observer] = (),
    token_observer: TokenObserver = _unobserved,
) -> AsyncIterator[Receiver]:
    """Run a receiver for the length of the context.

    Args:
        options: by default a free port of the loopback, without authentication or faults.
        observers: called with every request to the endpoint when it is over.
        token_observer: called with every token request.

    Raises:
        OSError: the port cannot be listened on.
    """
    async with group() as tasks:
        receiver = Receiver(options or ReceiverOptions(), observers, token_observer, tasks)
        try:
            await receiver.start()
            yield receiver
        finally:
            await receiver.stop()
