"""The lean transport: kept-alive connections per origin, heads compiled once per token, deadlines by one sweep."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

from exporter.messages.exchange import NoAnswer, Outcome, Request, Unreachable
from exporter.tasks.late_deadlines import after_reading
from exporter.transport.lean.dialling import Dialler
from exporter.transport.lean.head import Head, Origin
from exporter.transport.lean.pool import Pool
from exporter.transport.lean.wire import Wire
from exporter.transport.options import TransportOptions
from exporter.transport.port import Done, Stale
from exporter.transport.resolver import Resolver

#: How late a deadline is noticed at most, as a share of the time-out; and the bounds of that in seconds.
_SWEEP_SHARE = 0.05
_SWEEP_SECONDS = (0.02, 0.5)


class _Route:
    """The way to an origin: the connections that are there, and the dialler for new connections."""

    __slots__ = ("dialler", "pool")

    def __init__(
        self, origin: Origin, context: ssl.SSLContext, resolver: Resolver, loop: asyncio.AbstractEventLoop
    ) -> None:
        pool = self.pool = Pool(loop)
        self.dialler = Dialler(origin, context, resolver, loop, lambda: Wire(loop, pool))


class LeanTransport:
    """A ``Transport`` of one destination; made by ``open_transport``, which says what is raised."""

    def __init__(self, options: TransportOptions) -> None:
        if options.proxy is not None:
            raise ValueError("the lean transport knows no proxy")
        self._loop = asyncio.get_running_loop()
        self._resolver = Resolver(self._loop)
        self._context = options.context()
        self._timeout = options.timeout_seconds
        self._observe_resend = options.observe_resend
        self._routes: dict[Origin, _Route] = {}
        self._head: Head | None = None
        self._route: _Route
        self._sweeping: asyncio.TimerHandle | None = None
        self._swept_at = 0.0
        self._sweep_seconds = min(max(self._timeout * _SWEEP_SHARE, _SWEEP_SECONDS[0]), _SWEEP_SECONDS[1])

    async def send(self, request: Request) -> Outcome:
        """Make one attempt within the deadline; resend once where a kept-alive connection had gone stale."""
        data = self._whole(request)
        route = self._route
        now = self._loop.time()
        deadline = now + self._timeout
        wire = route.pool.take(now)
        if wire is None:
            return await self._on_a_new_connection(route, data, deadline, request.needs_body)
        outcome = await self._exchange(wire, data, deadline, request.needs_body)
        return await self.resend(request, outcome) if isinstance(outcome, Stale) else outcome

    def begin(self, request: Request, done: Done) -> bool:
        """Write the request where a connection is idle; False where none is."""
        data = self._whole(request)
        now = self._loop.time()
        wire = self._route.pool.take(now)
        if wire is None:
            return False
        wire.exchange(data, now + self._timeout, done, needs_body=request.needs_body)
        return True

    async def resend(self, request: Request, stale: Stale) -> Outcome:
        """Send once more, within the attempt's deadline."""
        self._observe_resend()
        data = self._whole(request)
        # Not on another idle connection, which is likely as stale as the first.
        return await self._on_a_new_connection(self._route, data, stale.deadline, request.needs_body)

    def give_up(self) -> None:
        """End every exchange now, without an answer."""
        for route in self._routes.values():
            route.pool.give_up()

    async def close(self) -> None:
        """End every exchange, close every connection, and wait until the event loop has done so."""
        for route in self._routes.values():
            await route.dialler.close()
        for route in self._routes.values():
            await route.pool.close()
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def _on_a_new_connection(self, route: _Route, data: bytes, deadline: float, needs_body: bool) -> Outcome:
        wire = await route.dialler.dial(deadline)
        if isinstance(wire, Unreachable):
            return wire
        route.pool.add(wire)
        if (now := self._loop.time()) >= deadline:
            # The process stood still while it connected; the request has not been sent and needs time for its answer.
            deadline = now + self._timeout
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._sweep_seconds, self._sweep)
        outcome = await self._exchange(wire, data, deadline, needs_body)
        # Only a connection that has served can be stale.
        return outcome if not isinstance(outcome, Stale) else NoAnswer("connection closed before an answer came")

    async def _exchange(self, wire: Wire, data: bytes, deadline: float, needs_body: bool) -> Outcome | Stale:
        future: asyncio.Future[Outcome | Stale] = self._loop.create_future()
        wire.exchange(data, deadline, partial(_settle, future), needs_body=needs_body)
        try:
            return await future
        except asyncio.CancelledError:
            wire.abort()
            raise

    def _whole(self, request: Request) -> bytes:
        """The request as bytes; ``_route`` is its way."""
        head = self._head
        if head is None or head.fixed is not request.fixed or head.url != request.url:
            head = self._compile(request)
        return head.request(request.own, request.body)

    def _compile(self, request: Request) -> Head:
        head = self._head = Head(request.url, request.fixed)
        route = self._routes.get(head.origin)
        if route is None:
            route = self._routes[head.origin] = _Route(head.origin, self._context, self._resolver, self._loop)
        self._route = route
        return head

    def _sweep(self) -> None:
        """Expire overdue connections, once all that has arrived by now is read."""
        self._swept_at = self._loop.time()
        after_reading(self._loop, self._expire)

    def _expire(self) -> None:
        """End connections that were overdue at the sweep; sweep again as long as any connection is open."""
        self._sweeping = None
        for route in self._routes.values():
            route.pool.expire(self._swept_at)
        if any(route.pool for route in self._routes.values()):
            self._sweeping = self._loop.call_later(self._sweep_seconds, self._sweep)


def _settle(future: asyncio.Future[Outcome | Stale], outcome: Outcome | Stale) -> None:
    if not future.done():
        future.set_result(outcome)
