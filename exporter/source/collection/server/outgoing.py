"""The answers of a connection, written in the order of its requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.server.answer_text import CONTINUE, answer_bytes
from exporter.source.collection.server.exchange import Exchange


class Ending(Enum):
    """How the connection ends with the answer that was written: at once, or once the client has stopped sending."""

    CLOSE = 1
    LINGER = 2


class Witness(Protocol):
    """Knows the time of day, and hears of every answer."""

    date: bytes

    def answered(self, exchange: Exchange, answer: Answer) -> None:
        """An answer goes out."""


class Outgoing:
    """Requests that wait for their answers, the oldest first."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: deque[Exchange] = deque()

    def flush(self, write: Callable[[bytes], None], witness: Witness, *, last: bool) -> Ending | None:
        """Write what can be told, at once; how the connection ends with that, if it does.

        Args:
            write: takes bytes.
            witness: see there.
            last: whether the connection ends when all that wait have their answers.
        """
        waiting = self.waiting
        out: list[bytes] = []
        ending = None
        while ending is None and waiting and (answer := waiting[0].answer) is not None:
            exchange = waiting.popleft()
            closes = answer.close or exchange.lingers or not exchange.head.keep_alive or (last and not waiting)
            head = exchange.head
            out.append(
                answer_bytes(
                    answer, witness.date, close=closes, old=head.old, without_body=head.request.method == "HEAD"
                )
            )
            witness.answered(exchange, answer)
            if closes:
                ending = Ending.LINGER if exchange.lingers else Ending.CLOSE
        if ending is None and waiting and waiting[0].wants_continue:
            waiting[0].wants_continue = False
            out.append(CONTINUE)
        if out:
            write(out[0] if len(out) == 1 else b"".join(out))
        return ending
