"""Reads the head of a request: by httptools, and where that is lenient, strictly."""

from __future__ import annotations

from dataclasses import dataclass

import httptools

from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.server.bounds import Bounds

END = b"\r\n\r\n"
_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ParsedHead:
    """A head, and what it says about the connection.

    ``keep_alive``: whether the client may send another request; ``old``: whether it speaks HTTP/1.0; ``expects``:
    whether it waits for a word before it sends the body.
    """

    request: RequestHead
    keep_alive: bool
    old: bool
    expects: bool


#: Stands for a head that could not be read.
NO_HEAD = ParsedHead(RequestHead("", ""), keep_alive=False, old=False, expects=False)


@dataclass(frozen=True, slots=True)
class BadHead:
    """A head that ends the connection, with its answer's status and words."""

    status: int
    words: str


class _Fields:
    """What httptools calls back with."""

    __slots__ = ("found", "target")

    def __init__(self) -> None:
        self.target = b""
        self.found: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name, value))


def parse_head(head: bytes, bounds: Bounds) -> ParsedHead | BadHead:
    """A head of ``bounds.head_bytes`` at most, which ends in an empty line."""
    lines = head.count(b"\r\n")
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        return BadHead(400, "A line does not end in CR LF")
    if lines - 2 > bounds.head_fields:
        return BadHead(431, f"The head has more than {bounds.head_fields} fields")
    fields = _Fields()
    parser = httptools.HttpRequestParser(fields)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # the client offers another protocol; it may go on with this one
    except httptools.HttpParserInvalidMethodError:
        return BadHead(501, "There is no such method")
    except httptools.HttpParserError:
        return BadHead(400, "The head is not HTTP")
    version = parser.get_http_version()
    if version not in ("1.1", "1.0"):
        return BadHead(505, "The version is neither HTTP/1.1 nor HTTP/1.0")
    return _judged(parser, fields, old=version == "1.0")


def _judged(parser: httptools.HttpRequestParser, fields: _Fields, *, old: bool) -> ParsedHead | BadHead:
    headers: dict[str, str] = {}
    for raw, content in fields.found:
        name, value = raw.decode("latin-1").lower(), content.decode("latin-1")
        before = headers.get(name)
        headers[name] = value if before is None else f"{before}, {value}"
    if not old and ("host" not in headers or "," in headers["host"]):
        return BadHead(400, "The head has not one Host")
    length = _length(headers, old=old)
    if isinstance(length, BadHead):
        return length
    expectation = headers.get("expect", "")
    if expectation and expectation.lower() != "100-continue":
        return BadHead(417, "Only 100-continue can be expected")
    path, _, query = _target(fields.target.decode("latin-1")).partition("?")
    method = parser.get_method().decode("latin-1")
    request = RequestHead(method, path, query, headers, length)
    # An HTTP/1.0 client knows no 100 (RFC 9110 §10.1.1).
    return ParsedHead(request, _keeps(headers.get("connection", ""), old=old), old, bool(expectation) and not old)


def _keeps(connection: str, *, old: bool) -> bool:
    """Whether the connection goes on (RFC 9112 §9.3); the parser has forgotten it where there is no body."""
    words = [word.strip() for word in connection.lower().split(",")]
    return "close" not in words and (not old or "keep-alive" in words)


def _length(headers: dict[str, str], *, old: bool) -> int | BadHead | None:
    """Bytes of the body; None: it comes in chunks."""
    coding = headers.get("transfer-encoding")
    stated = headers.get("content-length")
    if coding is not None:
        if stated is not None or old or coding.strip().lower() != "chunked":
            return BadHead(400, "The length of the body is not clear")
        return None
    if stated is None:
        return 0
    if not (stated.isascii() and stated.isdigit() and len(stated) <= _DIGITS):
        return BadHead(400, "The length of the body is not clear")
    return int(stated)


def _target(target: str) -> str:
    """The path and query of a target, which may stand in its absolute form (RFC 9112 §3.2.2)."""
    if target.startswith("/"):
        return target
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        _, slash, path = rest.partition("/")
        return slash + path
    return target
