"""Opens a destination's transport: lean where possible, aiohttp where lean cannot serve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.transport.lean.transport import LeanTransport
from exporter.transport.options import TransportKind, TransportOptions, chosen
from exporter.transport.over_aiohttp.transport import AiohttpTransport
from exporter.transport.port import Transport


@asynccontextmanager
async def open_transport(kind: TransportKind, options: TransportOptions) -> AsyncIterator[Transport]:
    """A transport for one destination alone; leaving closes every socket.

    Args:
        kind: the configured kind; ``lean`` with a proxy is refused by the settings.
        options: see ``TransportOptions``.

    Raises:
        TlsFilesUnusable: a file of ``options.tls`` cannot be read or used.
        ValueError: ``lean`` with a proxy.
    """
    lean = chosen(kind, options.proxy) == "lean"
    transport = LeanTransport(options) if lean else AiohttpTransport(options)
    try:
        yield transport
    finally:
        await transport.close()
