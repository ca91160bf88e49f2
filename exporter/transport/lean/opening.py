"""Opens a lean transport and closes it, in a file apart, since mypyc compiles no asynchronous generators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from exporter.transport.lean.transport import LeanTransport
from exporter.transport.tls.contexts import TlsContexts


@asynccontextmanager
async def open_lean_transport(
    *,
    timeout_seconds: float,
    ca_file: Path | None = None,
    client_cert_file: Path | None = None,
    client_key_file: Path | None = None,
    observe_resend: Callable[[], None] = lambda: None,
    contexts: TlsContexts | None = None,
) -> AsyncIterator[LeanTransport]:
    """A transport for one destination alone; leaving closes every socket.

    Args:
        timeout_seconds: for a whole exchange, from the name's resolution to the answer's headers.
        ca_file, client_cert_file, client_key_file: as for ``client_context``.
        observe_resend: called when a request is sent again since its kept-alive connection had gone stale.
        contexts: the source of TLS contexts, if shared.

    The arguments of ``open_aiohttp_transport``, but for a proxy, which is not supported, and a concurrency: there are
    as many connections as exchanges at a time.

    Raises:
        TlsFilesUnusable: a file of ``tls`` cannot be read or used.
    """
    files = {"ca_file": ca_file, "client_cert_file": client_cert_file, "client_key_file": client_key_file}
    context = (contexts or TlsContexts()).of(**files)
    transport = LeanTransport(context, timeout_seconds, observe_resend)
    try:
        yield transport
    finally:
        await transport.close()
