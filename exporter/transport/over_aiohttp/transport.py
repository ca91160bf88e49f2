"""The aiohttp transport: attempts over kept-alive connections; an answer stands as soon as the head is there."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from exporter.messages.exchange import Answer, Header, Outcome, Request, Unreachable
from exporter.tasks.late_deadlines import timeout_after_reading
from exporter.transport.bounds import (
    BODY_LIMIT,
    BODY_SECONDS,
    DNS_CACHE_SECONDS,
    KEEPALIVE_SECONDS,
)
from exporter.transport.options import TransportOptions
from exporter.transport.over_aiohttp.connection import Connector, Resolving, StaleConnection, Wire
from exporter.transport.over_aiohttp.failures import translate
from exporter.transport.requests.headers import own_headers, unfit
from exporter.transport.resolver import Resolver

# Above this size aiohttp warns that bytes block the loop; a file is written in pieces.
_WHOLE_BODY_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Proxy:
    """The proxy that requests go through; ``authorization``: its credentials, if the URL carries a user or password."""

    url: URL
    host: str
    authorization: str | None

    @classmethod
    def parse(cls, url: str) -> _Proxy:
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        authorization = aiohttp.encode_basic_auth(user, password) if user or password else None
        return cls(URL(bare), parts.hostname or "", authorization)


@dataclass(slots=True)
class _Exchange:
    """The state of a running exchange: whether its connection is still being made, and then the connection."""

    connecting: bool = False
    wire: Wire | None = None

    def last_word(self) -> None:
        """Let an answer with a broken head stand without the rest of the head: the deadline has passed."""
        if self.wire is not None and not self.connecting:
            self.wire.last_word()


class _Exchanges:
    """The running exchanges of a transport, each in a separate task."""

    def __init__(self) -> None:
        self._by_task: dict[asyncio.Task[Any] | None, _Exchange] = {}

    @contextmanager
    def opened(self) -> Iterator[_Exchange]:
        """Enter an exchange of the current task."""
        task = asyncio.current_task()
        exchange = self._by_task[task] = _Exchange()
        try:
            yield exchange
        finally:
            del self._by_task[task]

    def began(self, wire: Wire) -> None:
        """Note that the current task's exchange goes over ``wire``."""
        if (exchange := self._by_task.get(asyncio.current_task())) is not None:
            exchange.wire = wire


class AiohttpTransport:
    """A ``Transport`` of one destination; made by ``open_transport``, which says what is raised."""

    def __init__(self, options: TransportOptions) -> None:
        self._timeout = options.timeout_seconds
        self._observe_resend = options.observe_resend
        self._proxy = _Proxy.parse(options.proxy) if options.proxy is not None else None
        self._exchanges = _Exchanges()
        connecting: dict[str, Any] = {
            "began": self._exchanges.began,
            "ssl": options.context(),
            # One more than the dataflow's permits: its token request must never wait for a connection.
            "limit": options.concurrency + 1,
            "ttl_dns_cache": int(DNS_CACHE_SECONDS),
            "resolver": Resolving(Resolver(asyncio.get_running_loop())),
        }
        # The first keeps connections alive, the second makes a new connection for every request.
        self._pooled = _session(Connector(keepalive_timeout=KEEPALIVE_SECONDS, **connecting))
        self._fresh = _session(Connector(force_close=True, **connecting))

    async def close(self) -> None:
        """End every exchange, and wait until every socket is closed."""
        try:
            await self._fresh.close()
        finally:
            await self._pooled.close()

    async def send(self, request: Request) -> Outcome:
        """Make one attempt within the deadline; resend once where a kept-alive connection had gone stale."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            return await self._exchange(self._pooled, request, deadline)
        except StaleConnection:
            self._observe_resend()
        # The connections of ``fresh`` serve one exchange each, so none is ever stale.
        return await self._exchange(self._fresh, request, deadline)

    async def _exchange(self, session: aiohttp.ClientSession, request: Request, deadline: float) -> Outcome:
        with self._exchanges.opened() as exchange:
            try:
                async with timeout_after_reading(deadline, exchange.last_word):
                    response = await session.post(trace_request_ctx=exchange, **self._arguments(request))
            except StaleConnection:
                raise
            except (aiohttp.ClientError, OSError) as error:
                host = self._proxy.host if self._proxy else None
                return translate(error, connecting=exchange.connecting, proxy=host)
        try:
            return await self._answer(response, deadline, needs_body=request.needs_body)
        finally:
            # Does nothing where the body ended, since the connection went back to the pool then.
            response.close()

    def _arguments(self, request: Request) -> dict[str, Any]:
        """The request in aiohttp's terms; the URL goes out as configured."""
        url = URL(request.url, encoded=request.url.isascii())
        headers = request.fixed + request.own
        if (error := unfit(headers)) is not None:
            raise error
        body = request.body if len(request.body) <= _WHOLE_BODY_LIMIT else io.BytesIO(request.body)
        arguments: dict[str, Any] = {"url": url, "data": body, "allow_redirects": False}
        if self._proxy is not None:
            arguments["proxy"] = self._proxy.url
            to_proxy: tuple[Header, ...] = ()
            if self._proxy.authorization is not None:
                to_proxy = (("Proxy-Authorization", self._proxy.authorization),)
            if url.scheme == "https":
                # Without these, aiohttp would send a ``User-Agent`` that names aiohttp.
                arguments["proxy_headers"] = (*own_headers(), *to_proxy)
            else:
                headers = (*headers, *to_proxy)
        arguments["headers"] = headers
        return arguments

    async def _answer(self, response: aiohttp.ClientResponse, deadline: float, *, needs_body: bool) -> Outcome:
        status = response.status
        if status == 407 and self._proxy is not None:
            return Unreachable("the proxy answered 407", "proxy")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}
        if not needs_body:
            deadline = min(deadline, asyncio.get_running_loop().time() + BODY_SECONDS)
        body = b"" if response.content.at_eof() else await _read(response.content, deadline)
        return Answer(status, headers, body)


async def _read(content: aiohttp.StreamReader, deadline: float) -> bytes:
    """The part of a body that comes within the limits of size and time; an early end changes nothing."""
    pieces = bytearray()
    try:
        async with timeout_after_reading(deadline):
            while len(pieces) <= BODY_LIMIT and (piece := await content.readany()):
                pieces += piece
    except (aiohttp.ClientError, OSError):
        pass
    return bytes(pieces[:BODY_LIMIT])


def _session(connector: Connector) -> aiohttp.ClientSession:
    """A session that adds nothing to a request, takes nothing from the environment and remembers nothing."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
        trust_env=False,
        # The exchange has one deadline, the transport's own.
        timeout=aiohttp.ClientTimeout(),
        trace_configs=[_connection_traces()],
    )


def _connection_traces() -> aiohttp.TraceConfig:
    """Traces that tell each exchange while its connection is being made: a request that fails then never went out."""

    async def begins(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connecting = True

    async def ends(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connecting = False

    traces = aiohttp.TraceConfig()
    traces.on_connection_queued_start.append(begins)
    traces.on_connection_queued_end.append(ends)
    traces.on_connection_create_start.append(begins)
    traces.on_connection_create_end.append(ends)
    return traces
