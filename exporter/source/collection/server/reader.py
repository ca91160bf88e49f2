"""What a client has sent and nobody has used yet: heads and bodies are taken off its front."""

from __future__ import annotations

from exporter.source.collection.server.bodies import Body
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.head import END, BadHead


class Reader:
    """Bytes in the order in which they came."""

    __slots__ = ("_at", "_bounds", "_data")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._data = b""
        self._at = 0

    def add(self, data: bytes) -> None:
        """Take in what has come."""
        rest = self._data[self._at :] if self._at else self._data
        self._data = rest + data if rest else data
        self._at = 0

    def empty(self) -> bool:
        """Whether everything was used."""
        return self._at == len(self._data)

    def clear(self) -> None:
        """Drop what is left."""
        self._data = b""
        self._at = 0

    def holds_head(self) -> bool:
        """Whether a whole head is left."""
        return self._data.find(END, self._at) >= 0

    def take_head(self) -> bytes | BadHead | None:
        """The next head, taken off; None where its end has not come, and cannot be told to be bad yet."""
        data = self._data
        while data.startswith(b"\r\n", self._at):
            self._at += 2  # RFC 9112 §2.2: empty lines before a request are passed over
        at = self._at
        found = data.find(END, at)
        end = found + len(END) if found >= 0 else len(data)
        if end - at > self._bounds.head_bytes:
            return BadHead(431, f"The head has more than {self._bounds.head_bytes} bytes")
        if found >= 0:
            self._at = end
            return data[at:end]
        if at < end and not (data[at : at + 1].isalpha() or data[at:] == b"\r"):
            # TLS on a port without, for example, whose client would wait for the deadline.
            return BadHead(400, "The head is not HTTP")
        return None

    def take_whole(self, length: int) -> bytes | None:
        """A body of ``length`` bytes, taken off, if all of it is here."""
        end = self._at + length
        if end > len(self._data):
            return None
        body = self._data[self._at : end]
        self._at = end
        return body

    def feed(self, body: Body) -> None:
        """Take off what belongs to ``body``."""
        self._at = body.feed(self._data, self._at)
        if self._at == len(self._data):
            self.clear()
