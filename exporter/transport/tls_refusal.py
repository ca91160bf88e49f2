"""How both transports tell that a server refused TLS after a connection was made.

With TLS 1.3 the server judges our certificate when our side of the handshake is over (RFC 8446 §4.4.2.4). Its refusal
meets the request on the way, and the server never reads that.
"""

from __future__ import annotations

import asyncio
import ssl


def tls_words(error: OSError) -> str:
    """What OpenSSL says of a failure, as words: ``WRONG_VERSION_NUMBER`` is ``wrong version number``."""
    return (getattr(error, "reason", None) or "handshake failed").replace("_", " ").lower()


def refusal(error: BaseException | None, *, dead_at_once: bool) -> str | None:
    """Why the server refused; None where a connection may have ended for another reason, the request included.

    Only for a connection that ended before a byte of its first answer came. A server that closes it without a word
    cannot be told from one that died of the request.

    Args:
        error: what the connection ended with; only an alert is the server's own word.
        dead_at_once: ``is_dead`` when the request was written.
    """
    if isinstance(error, ssl.SSLError) and "_ALERT_" in (error.reason or ""):
        return tls_words(error)
    return "connection closed" if dead_at_once else None


def is_dead(transport: asyncio.BaseTransport) -> bool:
    """Whether this open connection speaks TLS and was reset, which is known before anybody has read so."""
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
