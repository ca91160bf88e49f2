"""Raw servers on loopback whose every byte a test writes down, and what they heard."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Heard:
    """One request as its bytes came, and over which connection (the first is 1)."""

    connection: int
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Peer:
    """The server's side of one connection."""

    number: int
    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Heard:
        """Read one request; raises IncompleteReadError when the client has gone."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").removesuffix("\r\n\r\n")
        line, *rest = head.split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in rest)]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        heard = Heard(self.number, line, headers, await self.reader.readexactly(length))
        self.server.heard.append(heard)
        self.server.hearing.set()
        return heard

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def silence(self) -> None:
        """Say nothing more until the client hangs up."""
        with suppress(ConnectionError):
            await self.reader.read(-1)
        self.server.hung_up.set()

    def reset(self) -> None:
        """Close so that the client hears a reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class Server:
    """What a scripted server heard.

    ``hearing``: a request has come; ``said``: ``says`` has sent all its pieces; ``hung_up``: a client has left a
    silent peer.
    """

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    hearing: asyncio.Event = field(default_factory=asyncio.Event)
    said: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server whose first connection follows the first script, and so on; the last one serves all others."""
    server = Server()
    serving_now: set[asyncio.Task[None]] = set()
    cut = False

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving_now.add(task)
        try:
            await converse(reader, writer)
        except asyncio.CancelledError:
            pass  # this is how the server ends; asyncio.streams would report it as an error of the callback
        finally:
            # Not wait_closed: it waits for ever on a connection that was reset (Python 3.11).
            (writer.transport.abort if cut else writer.close)()
            serving_now.discard(task)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        peer = Peer(server.connections, server, reader, writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await scripts[min(peer.number, len(scripts)) - 1](peer)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            cut = True
            for task in tuple(serving_now):
                task.cancel()
            await asyncio.gather(*serving_now, return_exceptions=True)
            await asyncio.sleep(0)  # an aborted socket is closed in the next turn


def says(*pieces: bytes, then: str = "silence") -> Script:
    """A script: read a request, answer with these pieces, then ``close``, ``reset`` or stay silent; once."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
            if len(pieces) > 1:
                # A turn of the client's loop between two pieces, so that they arrive as two.
                await asyncio.sleep(0.001)
        peer.server.said.set()
        if then == "reset":
            peer.reset()
        elif then == "silence":
            await peer.silence()

    return script


def repeats(answer: bytes = OK) -> Script:
    """A script: answer every request of the connection alike."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer)

    return script


def closed_port() -> int:
    """A port of loopback at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
