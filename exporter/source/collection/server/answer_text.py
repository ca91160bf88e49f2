"""Answers as the bytes that go out, each to be written at once."""

from __future__ import annotations

from email.utils import formatdate

from exporter.source.collection.checks.answers import PHRASES, Answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n".encode() for status, phrase in PHRASES.items()}
_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"
_NO_CONTENT = 204


def date_line(epoch_seconds: float) -> bytes:
    """The ``Date`` field (RFC 9110 §6.6.1)."""
    return f"Date: {formatdate(epoch_seconds, usegmt=True)}\r\n".encode()


def answer_bytes(answer: Answer, date: bytes, *, close: bool, old: bool, without_body: bool) -> bytes:
    """A whole answer.

    Args:
        answer: what is said.
        date: the field, with its line end.
        close: whether the connection ends with it.
        old: whether the client speaks HTTP/1.0, which has to be told that a connection goes on.
        without_body: whether it answers ``HEAD``.
    """
    own = "".join(f"{name}: {value}\r\n" for name, value in answer.headers).encode("latin-1") if answer.headers else b""
    connection = _CLOSE if close else _KEEP if old else b""
    if answer.status == _NO_CONTENT:
        return b"%b%b%b%b\r\n" % (_LINES[204], date, own, connection)
    body = answer.body
    return b"%b%bContent-Type: application/json\r\n%b%bContent-Length: %d\r\n\r\n%b" % (
        _LINES[answer.status],
        date,
        own,
        connection,
        len(body),
        b"" if without_body else body,
    )
