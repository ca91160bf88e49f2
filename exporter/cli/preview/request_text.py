"""Writes a request with masked secrets: as on the wire, as a curl command, as JSON."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from exporter.messages.exchange import Request
from exporter.settings.masking import Hidden, Masking, Shown, masked


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request whose secrets are taken out. The body is personal data, which a preview is for."""

    url: Shown
    headers: tuple[tuple[str, Shown], ...]
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, request: Request, masking: Masking) -> ShownRequest:
        """``request`` without its secrets. Headers that the exporter adds to every request hold none."""
        fixed = tuple((name, masking.header(name, value)) for name, value in request.fixed)
        own: tuple[tuple[str, Shown], ...] = tuple((name, (value,)) for name, value in request.own)
        return cls(masking.url(request.url), fixed + own, request.body)


def as_http_to_read(request: ShownRequest) -> bytes:
    """As ``as_http``, with an indented body; the header with its length is still that of the body that is sent."""
    return as_http(request).removesuffix(request.body) + msgspec.json.format(request.body, indent=2)


def as_http(request: ShownRequest) -> bytes:
    """The request as HTTP/1.1 text; line breaks are LF, for reading."""
    parts = urlsplit(masked(request.url))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {masked(value)}" for name, value in request.headers]
    lines += [f"Content-Length: {len(request.body)}", ""]
    return "\n".join(lines).encode() + b"\n" + request.body


def as_curl(request: ShownRequest) -> bytes:
    """A command to paste into a shell; each secret is a variable that has to be set before."""
    words = ["curl --request POST"]
    # Without the headers that curl adds by itself and the exporter doesn't send.
    words += [f"--header {_quoted((f'{name}: ', *value))}" for name, value in request.headers]
    words += ["--header 'Accept:'", f"--data-binary {shlex.quote(request.body.decode())}", _quoted(request.url)]
    return " \\\n  ".join(words).encode()


def as_json(request: ShownRequest) -> dict[str, Any]:
    """The request as values for ``orjson.dumps``; the body is exactly as sent, but for line breaks."""
    # A line break can only stand between two tokens, where it has no meaning, and would end a JSON line.
    body = orjson.Fragment(request.body.translate(None, b"\r\n"))
    headers = {name: masked(value) for name, value in request.headers}
    return {"method": "POST", "url": masked(request.url), "headers": headers, "body": body}


def _quoted(shown: Shown) -> str:
    pieces: list[str] = []
    text = ""
    for part in shown:
        if isinstance(part, Hidden):
            pieces += [shlex.quote(text)] if text else []
            pieces.append(f'"${{{_variable(part)}}}"')
            text = ""
        else:
            text += part
    if text:
        pieces.append(shlex.quote(text))
    return "".join(pieces) or "''"


def _variable(secret: Hidden) -> str:
    return "EXPORTER_" + re.sub(r"[^A-Z0-9]+", "_", secret.name.upper()).strip("_")
