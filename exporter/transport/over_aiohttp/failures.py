"""Translates aiohttp's exceptions into outcomes: whether the request went out, and whose fault the failure is."""

from __future__ import annotations

import socket
import ssl

import aiohttp

from exporter.messages.exchange import NoAnswer, Unreachable
from exporter.transport.os_errors import system_words
from exporter.transport.over_aiohttp.connection import HandshakeRefused, UnreadableAnswer
from exporter.transport.tls.refusal import tls_words

# The exceptions that aiohttp raises only while the connection is still being made.
_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


def translate(error: Exception, *, connecting: bool, proxy: str | None) -> NoAnswer | Unreachable:
    """The outcome of an exchange that ended with ``error``.

    Args:
        error: an ``aiohttp.ClientError``, an ``OSError``, or the ``TimeoutError`` of the exchange's deadline.
        connecting: whether the connection was still being made.
        proxy: the host of the proxy, if the exchange goes through one.

    Reasons are short and fixed, with the operating system's or OpenSSL's words at most: no URL, header or body.
    """
    if connecting or isinstance(error, (*_CONNECTING, HandshakeRefused)):
        return Unreachable(_why_unreachable(error), "proxy" if proxy and _is_the_proxys(error, proxy) else "endpoint")
    match error:
        case TimeoutError():
            return NoAnswer("no answer in time")
        case aiohttp.ServerDisconnectedError():
            return NoAnswer("connection closed before an answer came")
        case aiohttp.ClientResponseError():
            return NoAnswer("the answer is not HTTP")
        case UnreadableAnswer():
            return NoAnswer(str(error))
        case OSError():
            return NoAnswer(_system_reason(error, "connection lost before an answer came"))
        case _:
            return NoAnswer("connection lost before an answer came")


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
            return f"TLS: {_certificate_reason(error.certificate_error)}"
        case aiohttp.ClientConnectorSSLError():
            return f"TLS: {tls_words(error.os_error)}"
        case HandshakeRefused():
            return f"TLS: {error}"
        case aiohttp.ClientConnectorDNSError():
            return f"DNS: {_system_reason(error.os_error, 'the name cannot be resolved')}"
        case aiohttp.ClientConnectorError():
            return _system_reason(error.os_error, "cannot connect")
        case TimeoutError():
            return "connect time-out"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientResponseError() | UnreadableAnswer():
            return "the proxy gave no usable answer"
        case _:
            return "cannot connect"


def _certificate_reason(error: Exception) -> str:
    # Only errors that OpenSSL itself reported have ``verify_message``.
    message = getattr(error, "verify_message", None)
    return f"certificate not accepted: {message}" if message else "certificate not accepted"


def _system_reason(error: OSError, otherwise: str) -> str:
    """The operating system's words for the error's number: the error's own text may hold addresses."""
    if isinstance(error, socket.gaierror):
        return error.strerror or otherwise
    if isinstance(error, ConnectionResetError):
        return "connection reset by peer"
    if error.errno is None or isinstance(error, ssl.SSLError):
        return otherwise
    return system_words(error.errno)
