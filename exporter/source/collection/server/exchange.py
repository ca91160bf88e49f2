"""One request of a connection, from its head to its answer."""

from __future__ import annotations

import math
from typing import Protocol

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.intake import Outcome
from exporter.source.collection.keeping import Keeping
from exporter.source.collection.server.head import ParsedHead
from exporter.source.collection.server.memory import Memory
from exporter.source.collection.taking import Taking


class Owner(Protocol):
    """The connection of an exchange."""

    def proceed(self, exchange: Exchange) -> None:
        """``exchange`` has the room that it stood in line for."""

    def flush(self) -> None:
        """An exchange has its answer."""


class Exchange:
    """A request whose answer is to come. Times are the event loop's seconds.

    Attributes:
        head: what was asked, but for the length of the body.
        length: bytes of the body, None: it comes in chunks.
        request: set once the head is admitted.
        answer: None until it is known.
        records: how many are on their way into the intake, or there.
        lingers: whether the client may still be sending when the answer closes the connection.
        until: when it is answered that the intake cannot take the records, if they are on their way.
        received: bytes of the body.
        wants_continue: the client waits for a word before it sends the body.
    """

    __slots__ = (
        "_keeping", "_memory", "_owner", "_reserved", "_taking", "answer", "authenticated", "began", "head", "length",
        "lingers", "received", "records", "request", "until", "wants_continue",
    )  # fmt: skip
    request: Admitted
    _keeping: Keeping

    def __init__(
        self, owner: Owner, taking: Taking, memory: Memory, head: ParsedHead, length: int | None, began: float
    ) -> None:
        self._owner = owner
        self._taking = taking
        self._memory = memory
        self._reserved = 0
        self.head = head
        self.length = length
        self.authenticated = False
        self.answer: Answer | None = None
        self.lingers = False
        self.wants_continue = False
        self.began = began
        self.until = math.inf
        self.received = 0
        self.records = 0

    def reserve(self, size: int) -> bool:
        """Take room for ``size`` bytes; else the owner is told when there is."""
        self._reserved = size
        return self._memory.take(size, self)

    def granted(self) -> None:
        """The room is there: the connection goes on reading."""
        self._owner.proceed(self)

    def leave_line(self) -> None:
        """Wait for room no more."""
        if self._memory.leave(self):
            self._reserved = 0

    def give_back(self) -> None:
        """Release the room, if any was granted."""
        reserved, self._reserved = self._reserved, 0
        if reserved:
            self._memory.release(reserved)

    def check(self, body: bytes, until: float) -> None:
        """Check the body; the answer is there at once, or when the records are kept, or ``until`` then."""
        request = self.request
        self.received = len(body)
        found = self._taking.begin(request, body, authenticated=self.authenticated)
        if isinstance(found, Answer):
            self.answer = found
            self.give_back()
            return
        if request.encoding == "identity" and self._reserved > len(body):
            surplus = self._reserved - len(body)
            if self._reserved <= self._memory.limit:
                self._reserved = len(body)
                self._memory.release(surplus)
        self._keeping = found
        self.records = len(found.collected.records)
        self.until = until
        found.outcome.then(self._kept)

    def expire(self) -> None:
        """Answer that it took too long; the records may still be kept, and keep their room until that is known."""
        self.until = math.inf
        if self.answer is None:
            self.answer = self._taking.held_too_long(self.request)
            self._owner.flush()

    def _kept(self, outcome: Outcome) -> None:
        self.give_back()
        if self.answer is None:
            self.answer = self._taking.finish(self._keeping, outcome)
            self._owner.flush()
