"""The headers of an answer, parsed on first access (of most answers only the status is read), and the parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser


def response_parser(protocol: object) -> HttpResponseParser:
    """A parser as lenient as aiohttp's, so that both transports read alike; calls ``protocol`` by httptools' names."""
    parser = HttpResponseParser(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser


class Headers(Mapping[str, str]):
    """The first value of each header, by lower-case name. ``received``: the bytes until the answer's head was whole."""

    __slots__ = ("_read", "_received")

    def __init__(self, received: bytes) -> None:
        self._received = received
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = _Reading(self._received).found
            self._received = b""
        return self._read


def head_ends_within(received: bytes, limit: int) -> bool:
    """Whether the head of the answer, preceding interim answers included, is at most ``limit`` bytes."""
    return _Reading(received[:limit]).ended


class _Reading:
    """What a parser finds in the bytes of an answer, preceding interim answers included."""

    def __init__(self, received: bytes) -> None:
        self.found: dict[str, str] = {}
        self.ended = False
        self._parser = response_parser(self)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade):
            # Anything may follow the head: only the head is read here.
            pass
        finally:
            # The parser holds methods of this object: break the reference cycle.
            del self._parser

    def on_message_begin(self) -> None:
        if not self.ended:
            self.found.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.ended:
            # RFC 9110 §5.5: NUL may be taken for a space, and whitespace around a value is not part of it.
            text = value.replace(b"\0", b" ").strip(b" \t").decode("latin-1")
            self.found.setdefault(name.decode("latin-1").lower(), text)

    def on_headers_complete(self) -> None:
        self.ended = self.ended or self._parser.get_status_code() >= 200
