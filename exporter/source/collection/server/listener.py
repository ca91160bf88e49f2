"""Listens: opens sockets, keeps the connections, looks for overdue ones with one timer, and drains."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.server.answer_text import date_line
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.connection import Connection
from exporter.source.collection.server.exchange import Exchange
from exporter.source.collection.server.memory import Memory
from exporter.source.collection.server.refusals import OUR_FAULT
from exporter.source.collection.taking import Taking
from exporter.tasks.background import group
from exporter.tasks.late_deadlines import after_reading

_BACKLOG = 1024
#: What may be read of a connection at a time, whether or not there is room for it.
_READ_BYTES = 64 * 1024
_HANDSHAKE_SECONDS = 10.0
_TLS_GOODBYE_SECONDS = 2.0
_CLOSE_SECONDS = 2.0


class Answered(msgspec.Struct, frozen=True, gc=False):
    """A request and its answer, for metrics. ``source`` is None where no inlet was found.

    ``received`` counts bytes of the body, ``records`` those that were kept; ``seconds`` passed since the head came.
    """

    source: str | None
    status: int
    received: int
    records: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """How to listen.

    Attributes:
        host: an address or a name.
        port: 0: one that is free.
        memory_bytes: of bodies in hand.
        tls: the context of ``listener_context``, None for plain HTTP.
        bounds: see there.
        observe: is told of every answer. Must not raise.
        fault: is told of a fault of ours that a request met.
    """

    host: str = "127.0.0.1"
    port: int = 0
    memory_bytes: int = 64 * 1024 * 1024
    tls: ssl.SSLContext | None = None
    bounds: Bounds = field(default_factory=Bounds)
    observe: Callable[[Answered], None] | None = None
    fault: Callable[[Exception], None] = lambda error: None  # noqa: ARG005


@asynccontextmanager
async def open_listener(taking: Taking, options: ListenerOptions) -> AsyncIterator[Listener]:
    """A server that takes requests until it is left; call ``drain`` before, or requests in hand are cut off.

    Raises:
        OSError: the address cannot be listened at.
    """
    async with group() as tasks:
        listener = Listener(taking, options, tasks)
        await listener.open()
        try:
            yield listener
        finally:
            await listener.close()


class Listener:
    """Listens for connections, and is their ``Register``.

    Made by ``open_listener``; ``taking.plane`` may be replaced at any time.
    """

    _server: asyncio.Server
    #: The port that is listened at.
    port: int

    def __init__(self, taking: Taking, options: ListenerOptions, tasks: asyncio.TaskGroup) -> None:
        self.loop = asyncio.get_running_loop()
        self.taking = taking
        self.bounds = options.bounds
        self.memory = Memory(options.memory_bytes, self.loop.call_soon)
        self.date = b""
        # What is read is taken out before anything else is read, for all connections together.
        self.received = memoryview(bytearray(_READ_BYTES))
        self.draining = False
        self._options = options
        self._tasks = tasks
        self._judging: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._swept_at = 0.0

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    @property
    def held(self) -> int:
        """How many requests wait for room in memory."""
        return self.memory.waiting

    async def open(self) -> None:
        """Begin to listen."""
        options = self._options
        secure = options.tls is not None
        self._server = await self.loop.create_server(
            lambda: Connection(self),
            options.host,
            options.port,
            ssl=options.tls,
            backlog=_BACKLOG,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if secure else None,
            ssl_shutdown_timeout=_TLS_GOODBYE_SECONDS if secure else None,
        )

        self.port = int(self._server.sockets[0].getsockname()[1])

    async def drain(self, seconds: float) -> None:
        """Listen no more, answer what has been read, and return when all connections are closed, or after ``seconds``.

        What has arrived by now is read first. The bodies of requests whose head has come are still read, too.
        """
        self._server.close()
        after_reading(self.loop, self._drain)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(0)
                while not self.draining or self._connections:
                    await (self._nobody.wait() if self.draining and self._connections else asyncio.sleep(0))
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Close what is left, and wait until the event loop has done so."""
        self._server.close()
        self.draining = True
        for judging in tuple(self._judging):
            judging.cancel()
        for connection in tuple(self._connections):
            connection.abort()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._nobody.wait()
        except TimeoutError:
            pass
        # The event loop closes a lost connection's socket only after the callback ``connection_lost``.
        await asyncio.sleep(0)
        if self._sweeping is not None:
            self._sweeping.cancel()

    # -- called by connections

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._nobody.clear()
        if self._sweeping is None:
            self._tell_date()
            self._sweeping = self.loop.call_later(self.bounds.sweep_seconds, self._sweep)
        if self.draining:
            connection.drain()

    def lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._nobody.set()

    def judge(self, exchange: Exchange, judged: Callable[[Exchange, bool | Answer], None]) -> None:
        task = self._tasks.create_task(self._judge(exchange, judged))
        self._judging.add(task)
        task.add_done_callback(self._judging.discard)

    async def _judge(self, exchange: Exchange, judged: Callable[[Exchange, bool | Answer], None]) -> None:
        try:
            found = await self.taking.judged_token(exchange.request)
        except Exception as error:  # it must not end the task group, and all requests with it
            self.fault(error)
            found = OUR_FAULT
        judged(exchange, found)

    def answered(self, exchange: Exchange, answer: Answer) -> None:
        observe = self._options.observe
        if observe is not None:
            records = exchange.records if answer.status < 300 else 0
            seconds = self.loop.time() - exchange.began
            observe(Answered(answer.source, answer.status, exchange.received, records, seconds))

    def fault(self, error: Exception) -> None:
        self._options.fault(error)

    # -- now and then

    def _drain(self) -> None:
        self.draining = True
        for connection in tuple(self._connections):
            connection.drain()

    def _tell_date(self) -> None:
        self.date = date_line(time.time())

    def _sweep(self) -> None:
        """Look for what is overdue, once all that has arrived by now is read."""
        self._swept_at = self.loop.time()
        self._tell_date()
        after_reading(self.loop, self._look)

    def _look(self) -> None:
        """End what was overdue at the sweep; sweep again as long as any connection is open."""
        self._sweeping = None
        for connection in tuple(self._connections):
            try:
                connection.look(self._swept_at)
            except Exception as error:  # the deadlines of all others are still to be kept
                self.fault(error)
                connection.abort()
        if self._connections:
            self._sweeping = self.loop.call_later(self.bounds.sweep_seconds, self._sweep)
