"""The TLS files and the proxy for token requests: those of the destination's exports, unless ``auth`` names its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from exporter.transport.opening import open_transport
from exporter.transport.options import TransportKind, TransportOptions
from exporter.transport.port import Transport
from exporter.transport.tls.contexts import TlsContexts

if TYPE_CHECKING:
    from exporter.sections.tls import Tls
    from exporter.settings.destination import Destination


def way_to_tokens(destination: Destination) -> tuple[Tls, str | None]:
    """The certificates and the proxy of token requests."""
    server = destination.auth.token_server
    if server is None:
        return destination.tls, destination.proxy
    proxy = destination.proxy if server.proxy is None else server.proxy
    return destination.tls if server.tls is None else server.tls, None if proxy == "none" else proxy


def open_token_transport(destination: Destination, contexts: TlsContexts) -> AbstractAsyncContextManager[Transport]:
    """A transport for token requests alone.

    Raises:
        TlsFilesUnusable: on entering; a file of ``tls`` cannot be read or used.
    """
    tls, proxy = way_to_tokens(destination)
    # ``lean`` was chosen for the endpoint, not for the token server, and has no proxy.
    kind: TransportKind = "aiohttp" if destination.delivery.transport == "aiohttp" else "auto"
    timeout = destination.delivery.timeout
    options = TransportOptions(timeout_seconds=timeout, concurrency=1, tls=tls, proxy=proxy, contexts=contexts)
    return open_transport(kind, options)


@asynccontextmanager
async def transport_for_tokens(
    destination: Destination, exports: Transport, contexts: TlsContexts
) -> AsyncIterator[Transport]:
    """``exports``, the transport of exports, where TLS and proxy are the same; otherwise a transport for tokens alone.

    Raises:
        TlsFilesUnusable: as ``open_token_transport``.
    """
    if way_to_tokens(destination) == (destination.tls, destination.proxy):
        yield exports
        return
    async with open_token_transport(destination, contexts) as own:
        yield own
