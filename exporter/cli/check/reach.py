"""Reaches an endpoint step by step: name, connection, proxy, TLS. Sends no request to the endpoint."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import AddrInfoType, start_connection

from exporter.transport.answers.broken_head import NotAnAnswer, WholeHead, read_head
from exporter.transport.lean.dialling import NEXT_ADDRESS_SECONDS
from exporter.transport.requests.headers import own_headers
from exporter.transport.resolver import Resolver

#: A server that refuses a client certificate says so only after a TLS 1.3 handshake has ended.
_LATE_ALERT_SECONDS = 0.5
_ANSWER_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Reach:
    """A step, ``dns``, ``tcp``, ``proxy`` or ``tls``, and its result.

    ``proxy dns``, ``proxy tcp`` and ``proxy tls`` are steps to the proxy, not to the endpoint.
    """

    what: str
    ok: bool
    detail: str


_Step = Callable[[], Awaitable[str]]


class _Refused(Exception):
    """The other side is there and refuses."""


async def reach(url: str, proxy: str | None, context: ssl.SSLContext, timeout_seconds: float) -> AsyncIterator[Reach]:
    """Try each step on the way to ``url``; the first step that fails is the last.

    Args:
        url: the endpoint, http or https.
        proxy: the proxy on the way, may carry ``user:password@``.
        context: for TLS with the endpoint and with an https proxy.
        timeout_seconds: for each step.
    """
    route = _Route(urlsplit(url), urlsplit(proxy) if proxy is not None else None, context)
    try:
        for what, step in route.steps():
            try:
                async with asyncio.timeout(timeout_seconds):
                    detail = await step()
            except (OSError, EOFError, _Refused) as error:
                yield Reach(what, False, _reason(error, timeout_seconds))
                return
            yield Reach(what, True, detail)
    finally:
        await route.close()


class _Route:
    """The way to an endpoint, and the single connection on the way."""

    def __init__(self, endpoint: SplitResult, proxy: SplitResult | None, context: ssl.SSLContext) -> None:
        self._endpoint = endpoint
        self._proxy = proxy
        self._context = context
        self._first = proxy if proxy is not None else endpoint
        self._found: list[AddrInfoType] = []
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def steps(self) -> list[tuple[str, _Step]]:
        whose = "" if self._proxy is None else "proxy "
        steps: list[tuple[str, _Step]] = [(f"{whose}dns", self._resolve), (f"{whose}tcp", self._connect)]
        if self._proxy is not None and self._proxy.scheme == "https":
            steps.append(("proxy tls", self._proxy_tls))
        if self._endpoint.scheme == "https":
            if self._proxy is not None:
                steps.append(("proxy", self._tunnel))
            steps.append(("tls", self._endpoint_tls))
        return steps

    async def close(self) -> None:
        if self._writer is not None:
            # Not wait_closed, which waits for ever on a connection that was reset (Python 3.11).
            self._writer.transport.abort()
            await asyncio.sleep(0)

    async def _resolve(self) -> str:
        resolver = Resolver(asyncio.get_running_loop())
        self._found = await resolver.addresses(self._first.hostname or "", _port(self._first))
        addresses = dict.fromkeys(str(address[0]) for *_, address in self._found)
        return f"{self._first.hostname} is {', '.join(addresses)}"

    async def _connect(self) -> str:
        port = _port(self._first)
        # Not by name: the name would be looked up again, and the end would wait for an answer.
        connected = await start_connection(self._found, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1)
        self._reader, self._writer = await asyncio.open_connection(sock=connected, limit=_ANSWER_LIMIT)
        accepts = f"{self._first.hostname} accepts connections on port {port}"
        if self._proxy is not None and self._endpoint.scheme == "http":
            return f"{accepts}; the endpoint behind it was not tried, since only a request goes there"
        return accepts

    async def _proxy_tls(self) -> str:
        assert self._proxy is not None  # noqa: S101 - this step is only taken with a proxy
        return await self._handshake(self._proxy.hostname or "")

    async def _tunnel(self) -> str:
        reader, writer = self._connection()
        target = f"{_bracketed(self._endpoint.hostname or '')}:{_port(self._endpoint)}"
        ours = (f"{name}: {value}" for name, value in own_headers())
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *ours, *self._credentials()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        if not 200 <= (status := await _status(reader)) < 300:
            raise _Refused(f"the proxy answered {status or 'nonsense'}")
        return "the proxy lets connections through"

    def _credentials(self) -> list[str]:
        if self._proxy is None or self._proxy.username is None:
            return []
        user, password = unquote(self._proxy.username), unquote(self._proxy.password or "")
        return [f"Proxy-Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"]

    async def _endpoint_tls(self) -> str:
        version = await self._handshake(self._endpoint.hostname or "")
        reader, _ = self._connection()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LATE_ALERT_SECONDS):
                if not await reader.read(1):
                    raise _Refused("closed right after the handshake; does it ask for a client certificate?")
        return version

    async def _handshake(self, host: str) -> str:
        _, writer = self._connection()
        await writer.start_tls(self._context, server_hostname=host.rstrip("."))  # RFC 6066 §3
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return f"{host} speaks {found.version()} and its certificate is trusted"

    def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            raise RuntimeError("not connected")
        return self._reader, self._writer


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of an answer whose head has come, read as the transports read a head; 0 where there is no answer."""
    received = b""
    while not isinstance(found := read_head(received), WholeHead):
        if isinstance(found, NotAnAnswer) or len(received) > _ANSWER_LIMIT:
            return 0
        if not (more := await reader.read(_ANSWER_LIMIT)):
            raise EOFError
        received += more
    return found.status


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _reason(error: Exception, timeout_seconds: float) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or 'unknown').replace('_', ' ').lower()}"
        case TimeoutError() if error.errno is None:
            return f"no answer within {timeout_seconds:g} s"
        case socket.gaierror():
            return f"the name cannot be resolved: {error.strerror}"
        case ConnectionRefusedError():
            return "connection refused"
        case OSError():
            return (error.strerror or "the connection was lost").lower()
        case _Refused():
            return str(error)
        case _:
            return "the answer cannot be read"
