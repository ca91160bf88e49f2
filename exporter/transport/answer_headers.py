"""An answer's headers, read when they are first asked for: of most answers nobody wants more than the status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from httptools import HttpParserError, HttpParserUpgrade

from exporter.transport.answer_parser import response_parser


class Headers(Mapping[str, str]):
    """By lower-case name, of each name the first. ``received`` is what came until the answer's head was complete."""

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
    """Whether the head of the answer, interim answers before it included, is at most ``limit`` bytes."""
    return _Reading(received[:limit]).ended


class _Reading:
    """What a parser says of the bytes of one answer, interim answers before it included."""

    def __init__(self, received: bytes) -> None:
        self.found: dict[str, str] = {}
        self.ended = False
        self._parser = response_parser(self)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade):
            # Behind its head an answer may be what it likes.
            pass
        finally:
            # The parser holds our methods, and we hold it.
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
