"""The words for a connection that could not be made, or that was lost: the same for both transports.

The words are short and fixed, with those of the operating system or OpenSSL at most: an error's own text may hold
addresses.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl

from exporter.transport.tls.refusal import tls_words


def why_unconnected(error: Exception) -> str:
    """Why a connection could not be made: what stopped the look-up of the name, the connecting or the handshake."""
    match error:
        case TimeoutError(errno=None):
            return "connect time-out"
        case ssl.SSLCertVerificationError():
            # Only errors that OpenSSL itself reported have ``verify_message``.
            message = getattr(error, "verify_message", None)
            return f"TLS: certificate not accepted: {message}" if message else "TLS: certificate not accepted"
        case ssl.SSLError():
            return f"TLS: {tls_words(error)}"
        case socket.gaierror():
            return f"DNS: {error.strerror or 'the name cannot be resolved'}"
        case OSError():
            return _system_words(error) or "cannot connect"
        case _:
            return "cannot connect"


def why_lost(error: BaseException | None) -> str:
    """Why a connection ended before an answer came; ``error``: what ended it, None where the server closed it."""
    match error:
        case None | ssl.SSLError():
            return "connection closed before an answer came"
        case OSError():
            return _system_words(error) or "connection lost before an answer came"
        case _:
            return "connection lost before an answer came"


def _system_words(error: OSError) -> str | None:
    """The error's number in words; where no descriptor is left, with a note that the endpoint is not at fault."""
    if isinstance(error, ConnectionResetError):
        return "connection reset by peer"
    if error.errno is None:
        return None
    words = os.strerror(error.errno).lower()
    match error.errno:
        case errno.EMFILE:
            return f"{words} in this process, not the endpoint's fault: raise ulimit -n or lower delivery.concurrency"
        case errno.ENFILE:
            return f"{words} on this machine, not the endpoint's fault"
        case _:
            return words
