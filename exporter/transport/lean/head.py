"""The common beginning of all requests to a URL under a token, joined once; and whole requests as bytes."""

from __future__ import annotations

from dataclasses import dataclass

from yarl import URL

from exporter.messages.exchange import Header
from exporter.transport.requests.headers import unfit


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go: a host name or address without brackets, a port, and whether TLS is spoken.

    A name that ends in a dot is looked up unchanged: no search domain is tried.
    """

    host: str
    port: int
    tls: bool


class Head:
    """The request line, ``Host`` and the headers that all requests share.

    Raises:
        ValueError: the URL or a header cannot stand in a request (RFC 9112 §2.2, RFC 9110 §5.5): a bug, since the
            settings refuse such values. The text names the header and shows no value.
    """

    __slots__ = ("_begin", "fixed", "origin", "url")

    def __init__(self, url: str, fixed: tuple[Header, ...]) -> None:
        self.url = url
        self.fixed = fixed
        parsed = URL(url, encoded=url.isascii())
        name = parsed.raw_host or ""
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        self.origin = Origin(name, port, parsed.scheme == "https")
        host = name.rstrip(".")
        bracketed = f"[{host}]" if ":" in host else host
        authority = bracketed if parsed.is_default_port() else f"{bracketed}:{port}"
        target = parsed.raw_path_qs
        if any(character <= " " or character >= "\x7f" for character in target + authority):
            raise ValueError("the URL cannot stand in a request")
        line = f"POST {target} HTTP/1.1\r\nHost: {authority}\r\n"
        self._begin = line.encode("ascii") + _fields(fixed)

    def request(self, own: tuple[Header, ...], body: bytes) -> bytes:
        """A whole request, to be written at once.

        Raises:
            ValueError: a header of ``own`` cannot stand in a request.
        """
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (self._begin, _fields(own), len(body), body)


def _fields(headers: tuple[Header, ...]) -> bytes:
    fields = ""
    # A printable text holds no line break and no NUL. Few values are not printable, and such a value may be fit: a tab.
    plain = True
    for name, value in headers:
        fields += f"{name}: {value}\r\n"
        plain = plain and value.isprintable() and name.isprintable()
    if plain or unfit(headers) is None:
        try:
            return fields.encode("latin-1")
        except UnicodeEncodeError:
            pass
    # Not in the handler: the error caught there holds the values, and would be the context of this error.
    raise unfit(headers) or RuntimeError("headers that are fit cannot be written")
