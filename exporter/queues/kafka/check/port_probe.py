"""Finding out by hand what listens at a port, where the client only says that connecting failed."""

from __future__ import annotations

import asyncio
import ssl
import struct
from enum import Enum, auto

#: For each try.
_SECONDS = 2.0
_API_VERSIONS, _METADATA = 18, 3
_NUMBER = 0x65787072  # of the request, which the answer repeats; any will do
_MOST_BYTES = 4 * 1024 * 1024


class Listens(Enum):
    """The kinds of listener."""

    BROKER = auto()
    BROKER_THAT_WANTS_SASL = auto()
    TLS = auto()
    SOMETHING_ELSE = auto()


async def what_listens(host: str, port: int) -> Listens:
    """Ask without TLS and without credentials; if there is no answer, try TLS, with whatever certificate.

    Raises:
        OSError: no connection can be made.
    """
    if await _answers(host, port, _API_VERSIONS):
        # A broker that wants SASL tells versions to any client, and hangs up on strangers that ask for more.
        return Listens.BROKER if await _answers(host, port, _METADATA) else Listens.BROKER_THAT_WANTS_SASL
    return Listens.TLS if await _speaks_tls(host, port) else Listens.SOMETHING_ELSE


async def _answers(host: str, port: int, request: int) -> bool:
    """Whether a request of the Kafka protocol, in its version 0, is answered (kafka.apache.org/protocol)."""
    asked = struct.pack(">hhih", request, 0, _NUMBER, -1)  # no client id
    if request == _METADATA:
        asked += struct.pack(">i", 0)  # no topics, which in version 0 means all: only the fact of an answer counts
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(struct.pack(">i", len(asked)) + asked)
                size, number = struct.unpack(">ii", await reader.readexactly(8))
            finally:
                writer.transport.abort()
    except (TimeoutError, ConnectionResetError, BrokenPipeError, EOFError):
        return False
    return bool(number == _NUMBER and 4 <= size <= _MOST_BYTES)


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent over the connection: only whether TLS is spoken counts, not by which server.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.transport.abort()
    except ssl.SSLError as error:
        # A server that asks for a client certificate, or has no cipher in common, speaks TLS.
        return "ALERT" in (error.reason or "")
    except (TimeoutError, OSError, EOFError):
        return False
    return True
