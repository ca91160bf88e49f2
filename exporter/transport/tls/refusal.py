"""How both transports tell that a server refused TLS after a connection was made.

With TLS 1.3 the server judges the exporter's certificate when the exporter's side of the handshake is over
(RFC 8446 §4.4.2.4). The refusal meets the request on the way, and the server never reads the request.
"""

from __future__ import annotations

import asyncio
import ssl


def tls_words(error: OSError) -> str:
    """OpenSSL's reason for a failure, as words: ``WRONG_VERSION_NUMBER`` is ``wrong version number``."""
    return (getattr(error, "reason", None) or "handshake failed").replace("_", " ").lower()


def refusal(error: BaseException | None, *, dead_at_once: bool) -> str | None:
    """Why the server refused; None where a connection may have ended for another reason, the request included.

    Only for a connection that ended before a byte of its first answer came. A server that closes the connection without
    an alert cannot be told from a server that died of the request.

    Args:
        error: the error that ended the connection; only an alert is the server's own word.
        dead_at_once: ``is_dead`` when the request was written.
    """
    if isinstance(error, ssl.SSLError) and "_ALERT_" in (error.reason or ""):
        return tls_words(error)
    return "connection closed" if dead_at_once else None


def is_dead(transport: asyncio.BaseTransport) -> bool:
    """Whether this open connection speaks TLS and was reset, which the system knows before the reset is read."""
    if transport.get_extra_info("ssl_object") is None:
        return False
    peer = transport.get_extra_info("socket")
    if peer is None:
        return True
    try:
        peer.getpeername()
    except OSError:
        return True
    return False
