"""Translates aiohttp's exceptions into outcomes: whether the request went out, and whose fault the failure is."""

from __future__ import annotations

import aiohttp

from exporter.messages.exchange import NoAnswer, Unreachable
from exporter.transport.failures import why_lost, why_unconnected
from exporter.transport.over_aiohttp.connection import HandshakeRefused, UnreadableAnswer

# The exceptions that aiohttp raises only while the connection is still being made.
_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


def translate(error: Exception, *, connecting: bool, proxy: str | None) -> NoAnswer | Unreachable:
    """The outcome of an exchange that ended with ``error``.

    Args:
        error: an ``aiohttp.ClientError``, an ``OSError``, or the ``TimeoutError`` of the exchange's deadline.
        connecting: whether the connection was still being made.
        proxy: the host of the proxy, if the exchange goes through one.
    """
    if connecting or isinstance(error, (*_CONNECTING, HandshakeRefused)):
        return Unreachable(_why_unreachable(error), "proxy" if proxy and _is_the_proxys(error, proxy) else "endpoint")
    match error:
        case TimeoutError():
            return NoAnswer("no answer in time")
        case aiohttp.ServerDisconnectedError():
            return NoAnswer(why_lost(None))
        case aiohttp.ClientResponseError():
            return NoAnswer("the answer is not HTTP")
        case UnreadableAnswer():
            return NoAnswer(str(error))
        case _:
            return NoAnswer(why_lost(error))


def _is_the_proxys(error: Exception, proxy: str) -> bool:
    """Whether the proxy is to blame: only a failure of TLS inside the tunnel is the endpoint's."""
    match error:
        case HandshakeRefused():
            return False
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return bool(error.host == proxy)
        case _:
            return True


def _why_unreachable(error: Exception) -> str:
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientConnectorCertificateError():
            return why_unconnected(error.certificate_error)
        case aiohttp.ClientConnectorError():
            return why_unconnected(error.os_error)
        case HandshakeRefused():
            return f"TLS: {error}"
        case TimeoutError():
            return "connect time-out"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientResponseError() | UnreadableAnswer():
            return "the proxy gave no usable answer"
        case _:
            return "cannot connect"
