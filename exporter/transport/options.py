"""How a destination's transport is opened, and which of the two: the kinds that a configuration may name."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from exporter.sections.tls import Tls
from exporter.transport.tls.contexts import TlsContexts

TransportKind = Literal["auto", "lean", "aiohttp"]


def chosen(kind: TransportKind, proxy: str | None) -> Literal["lean", "aiohttp"]:
    """The transport that ``kind`` stands for: ``auto`` is lean, and aiohttp behind a proxy."""
    if kind == "auto":
        return "lean" if proxy is None else "aiohttp"
    return kind


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """What both transports are opened with.

    Attributes:
        timeout_seconds: for a whole exchange, from the name's resolution to the answer's headers.
        concurrency: exchanges at a time, at most; a token request may come on top. The lean transport ignores the
            number: there are as many connections as exchanges at a time.
        tls: the certificates; their files are read when the transport is opened.
        proxy: ``http://`` or ``https://`` URL, with ``user:password@`` where the proxy asks for credentials; aiohttp's
            alone.
        observe_resend: called when a request is sent again since its kept-alive connection had gone stale.
        contexts: the source of TLS contexts, which transports may share.
    """

    timeout_seconds: float
    concurrency: int
    tls: Tls = field(default_factory=Tls)
    proxy: str | None = field(default=None, repr=False)
    observe_resend: Callable[[], None] = lambda: None
    contexts: TlsContexts = field(default_factory=TlsContexts)

    def context(self) -> ssl.SSLContext:
        """The TLS context of the transport's connections; raises ``TlsFilesUnusable`` as ``client_context``."""
        return self.contexts.of(self.tls)
