"""Opens a destination's transport: lean where possible, aiohttp where lean cannot serve."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from exporter.transport.kind import TransportKind, chosen
from exporter.transport.lean.opening import open_lean_transport
from exporter.transport.over_aiohttp.transport import open_aiohttp_transport
from exporter.transport.port import Transport
from exporter.transport.tls.contexts import TlsContexts


def open_transport_of(
    kind: TransportKind,
    *,
    timeout_seconds: float,
    concurrency: int,
    ca_file: Path | None = None,
    client_cert_file: Path | None = None,
    client_key_file: Path | None = None,
    proxy: str | None = None,
    observe_resend: Callable[[], None] = lambda: None,
    contexts: TlsContexts | None = None,
) -> AbstractAsyncContextManager[Transport]:
    """A transport for one destination alone; leaving closes every socket.

    Args:
        kind: the configured kind; ``lean`` with a proxy is refused by the settings.
        timeout_seconds: for a whole exchange, from the name's resolution to the answer's headers.
        concurrency: exchanges at a time, at most; a token request may come on top.
        ca_file, client_cert_file, client_key_file: as for ``client_context``.
        proxy: ``http://`` or ``https://`` URL, with ``user:password@`` where the proxy asks for credentials.
        observe_resend: called when a request is sent again since its kept-alive connection had gone stale.
        contexts: the source of TLS contexts, if shared.

    Raises:
        TlsFilesUnusable: on entering; a file of ``tls`` cannot be read or used.
        ValueError: ``lean`` with a proxy.
    """
    if chosen(kind, proxy) == "aiohttp":
        return open_aiohttp_transport(
            timeout_seconds=timeout_seconds,
            concurrency=concurrency,
            ca_file=ca_file,
            client_cert_file=client_cert_file,
            client_key_file=client_key_file,
            proxy=proxy,
            observe_resend=observe_resend,
            contexts=contexts,
        )
    if proxy is not None:
        raise ValueError("the lean transport knows no proxy")
    return open_lean_transport(
        timeout_seconds=timeout_seconds,
        ca_file=ca_file,
        client_cert_file=client_cert_file,
        client_key_file=client_key_file,
        observe_resend=observe_resend,
        contexts=contexts,
    )
