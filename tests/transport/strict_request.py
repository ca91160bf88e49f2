"""A strict reader of requests, by the grammar of RFC 9110 and 9112: whatever is loose is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"POST (/[!$%&'()*+,\-./:;=?@_~|\[\]0-9A-Za-z]*) HTTP/1\.1")
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)"
)
_LENGTH = re.compile(rb"0|[1-9][0-9]*")
_END = b"\r\n\r\n"


class Loose(Exception):
    """This is no request as it should be."""


@dataclass(frozen=True)
class Strict:
    """A request; ``fields`` as they came, without Host and Content-Length."""

    target: str
    host: str
    fields: tuple[tuple[str, bytes], ...]
    body: bytes


def read_strictly(data: bytes) -> Strict | None:
    """The one request that ``data`` is; None while it is not complete.

    Raises:
        Loose: it is none, or there is something behind it.
    """
    head, end, body = data.partition(_END)
    if not end:
        return None
    line, *rest = head.split(b"\r\n")
    target = _LINE.fullmatch(line)
    if target is None:
        raise Loose(f"request line: {line!r}")
    fields: list[tuple[str, bytes]] = []
    for text in rest:
        field = _FIELD.fullmatch(text)
        if field is None:
            raise Loose(f"field: {text!r}")
        fields.append((field[1].decode(), field[2]))
    host = _only(fields, "host")
    length = _only(fields, "content-length")
    if fields[0][0] != "Host" or _LENGTH.fullmatch(length) is None:
        raise Loose("Host is not first, or the length is no number")
    if len(body) < int(length):
        return None
    if len(body) > int(length):
        raise Loose("more than one request")
    others = tuple(field for field in fields if field[0].lower() not in {"host", "content-length"})
    return Strict(target[1].decode(), host.decode(), others, body)


def _only(fields: list[tuple[str, bytes]], name: str) -> bytes:
    values = [value for key, value in fields if key.lower() == name]
    if len(values) != 1:
        raise Loose(f"{len(values)} fields {name}")
    return values[0]
