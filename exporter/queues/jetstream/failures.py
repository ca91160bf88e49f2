"""The failures of the NATS client, of the system and of JetStream, in short words, as the queue's errors."""

from __future__ import annotations

import socket
import ssl

from nats import errors

from exporter.queues.port import QueueUnavailable
from exporter.sections.printable import printable

_MOST_CHARACTERS = 200

#: Codes of JetStream's error answers (nats-server, server/errors.json).
WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
NO_MESSAGE = 10037
NO_STREAM = 10059
STORE_FAILED = 10077
MESSAGE_TOO_LARGE = 10054
STREAM_NAME_IN_USE = 10058
ANOTHER_STREAM = 10060
WRONG_NAME = 10056

_REFUSED = "authorization refused"
_NO_INFO = "expecting INFO message"

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "the connection was reset"),
    (errors.AuthorizationError, _REFUSED),
    (errors.UnexpectedEOF, "the server closed the connection"),
    (errors.StaleConnectionError, "the server does not answer any more"),
    (errors.ConnectionClosedError, "the connection is closed"),
    (errors.NoServersError, "no server could be reached"),
    (TimeoutError, "no answer in time"),
)


class Refused(QueueUnavailable):
    """JetStream answered with an error; ``code`` is the error's ``err_code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class NobodyAnswers(QueueUnavailable):
    """Nothing listens to the subject of a request: no stream takes the subject, or JetStream is not there."""


def in_words(error: BaseException) -> str:
    """The reason of ``error``, for people. Text of the servers is shortened and made safe to print."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {printable(error.verify_message)}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {printable(error.reason or 'handshake failed').lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return "the server's name cannot be resolved" + (f": {error.strerror.lower()}" if error.strerror else "")
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = shortened(str(error).removeprefix("nats: ").strip("'\""))
    if "authorization violation" in text.lower():
        return _REFUSED
    if _NO_INFO in text:
        return "what listens there does not speak as NATS does"
    return text or type(error).__name__


def is_refused_sign_in(error: BaseException) -> bool:
    """Whether the server refused the credentials."""
    return in_words(error) == _REFUSED


def not_permitted(violation: str) -> str:
    """The denied permission, with the remedy; ``violation`` in the server's words."""
    return f"not permitted: {shortened(violation)}; grant it to this user, docs/queues/nats.md has the list"


def shortened(text: str) -> str:
    """Foreign text as a single printable line, cut off after 200 characters."""
    text = printable(text)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
