"""The URLs that a configuration may name, kept as written."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, WithJsonSchema

from exporter.sections.mistakes import mistake
from exporter.sections.operator_text import has_control_character

_DOTTED = frozenset("0123456789.")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?")
#: RFC 3986 §2 has no place for these; a brace is most often a placeholder that was not filled.
_NEVER = frozenset('\\"<>^`{}')


def _split(text: str) -> SplitResult:
    """The parts of an http(s) URL. Raises as ``http_url``."""
    if any(character.isspace() or not character.isprintable() for character in text):
        raise mistake("a URL must not contain spaces or control characters")
    if not text.isascii():
        raise mistake("a URL must be ASCII: write the host in punycode and percent-encode the rest")
    if _NEVER.intersection(text):
        raise mistake('a URL must not contain any of \\ " < > ^ ` { }: percent-encode them')
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise mistake("this is not a URL") from None
    if parts.scheme not in {"http", "https"}:
        raise mistake("a URL must begin with http:// or https://")
    if not host or not _is_host(host):
        raise mistake("a URL must name a host")
    if port == 0:
        raise mistake("a URL must not name port 0")
    if "#" in text:
        raise mistake("a URL must not have a fragment (#)")
    return parts


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253 and _HOST.fullmatch(host) is not None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_name(text: str) -> str:
    """The name of a host, in lower case and without a dot at its end.

    Raises:
        PydanticCustomError: the text is none, or has a scheme or a port.
    """
    if len(text) > 253 or _HOST.fullmatch(text) is None:
        raise mistake("should be the name of a host, without scheme and port, as exporter.example.com")
    return text.lower().rstrip(".")


def listen_host(text: str) -> str:
    """The address to listen on, or the name of one, unchanged.

    Raises:
        PydanticCustomError: the text can be neither.
    """
    if not (_is_address(text) if text[-1:].isdigit() and set(text) <= _DOTTED else _is_host(text)):
        raise mistake("should be an address to listen on, as 127.0.0.1, ::1 or 0.0.0.0, or the name of this host")
    return text


def _is_address(text: str) -> bool:
    try:
        socket.inet_aton(text)
    except OSError:
        return False
    return True


def http_url(text: str) -> str:
    """The URL unchanged, if http or https with a host and neither user, fragment nor odd characters.

    Raises:
        PydanticCustomError: the URL is none of that; the reason never shows the URL, which may hold a secret.
    """
    if "@" in _split(text).netloc:
        raise mistake("a URL must not carry a user or password: use auth or headers")
    return text


def proxy_url(text: str) -> str:
    """The URL of a proxy unchanged, which may have ``user:password@``, but no path or query. Raises as ``http_url``."""
    parts = _split(text)
    if any(has_control_character(unquote(part)) for part in (parts.username, parts.password) if part):
        raise mistake("a proxy's user and password must not contain a control character, such as %0A at the end")
    if parts.path not in {"", "/"} or parts.query:
        raise mistake("a proxy is only scheme, host and port")
    return text


def shown(url: str) -> str:
    """The URL without its user and the values of its query, to be printed or logged."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{part.partition('=')[0]}=…" if "=" in part else "…" for part in parts.query.split("&") if part)
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if query else ''}{query}"


def http_address(host: str, port: int) -> str:
    """``http://host:port``; an IPv6 address stands in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


#: The scheme in any letter case, written out, since JSON Schema knows no flags.
HTTP_PATTERN = "^[hH][tT][tT][pP][sS]?://"
_URI = {"type": "string", "format": "uri", "pattern": HTTP_PATTERN}
ListenHost = Annotated[str, AfterValidator(listen_host), WithJsonSchema({"type": "string", "minLength": 1})]
HostName = Annotated[
    str,
    AfterValidator(host_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_HOST.pattern}$", "maxLength": 253}),
]
HttpUrl = Annotated[str, AfterValidator(http_url), WithJsonSchema(_URI)]
ProxyUrl = Annotated[str, AfterValidator(proxy_url), WithJsonSchema(_URI)]
