"""Numbered publishing on a log that cannot leave messages out by itself: looks back once, then leaves them out here.

After a start, and after a call that failed, what the log has of a producer is not known: a call may have been cut off
in the middle, and a log of several lanes then has some numbers and lacks lower ones. So the end of the log is read, as
far back as ``Numbered.since``; from then on this process knows. Each message carries its stamp in a header.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from exporter.queues.port import EventTooLarge, Numbered, Outgoing

#: How far the clock of the log may be behind the clock of ``Numbered.since``.
CLOCKS_APART_SECONDS = 60.0


def stamp(producer: str, number: int) -> str:
    """The text that a message carries in a header."""
    return f"{producer}:{number}"


def number_in(text: str, producer: str) -> int | None:
    """The number in a message's stamp; None if the stamp is not of ``producer``."""
    name, _, number = text.rpartition(":")
    return int(number) if name == producer and number.isascii() and number.isdecimal() else None


class Known:
    """What a log has of one producer: all numbers up to ``passed``, and of later numbers those ``beyond``."""

    def __init__(self, passed: int, found: Collection[int]) -> None:
        self.passed = passed
        self.beyond = {number for number in found if number > passed}

    def missing(self, numbered: Numbered, count: int) -> Sequence[int]:
        """The indexes of the messages of a call that the log does not have."""
        begin = numbered.passed(self.passed)
        return [index for index in range(begin, count) if numbered.first + index not in self.beyond]

    def published(self, last: int) -> None:
        """Note that the log has all numbers up to ``last``."""
        self.passed = max(self.passed, last)
        self.beyond = {number for number in self.beyond if number > self.passed}


class NumberedPublishing:
    """Publishes what a log does not have yet; of one producer, a call at a time."""

    def __init__(
        self,
        look_back: Callable[[Numbered], Awaitable[Collection[int]]],
        publish: Callable[[Sequence[Outgoing], Sequence[str]], Awaitable[int]],
    ) -> None:
        """Look back through ``look_back``, and publish through ``publish``.

        Args:
            look_back: the numbers of the producer, from ``first`` on, that the log has at the time of the call; raises
                QueueUnavailable.
            publish: as ``Queue.publish``, with the stamp of each message; how many the log has left out by itself.
        """
        self._look_back = look_back
        self._publish = publish
        self._known: dict[str, Known] = {}
        self._turn = asyncio.Lock()

    async def publish(self, messages: Sequence[Outgoing], numbered: Numbered) -> int:
        """Publish those of ``messages`` whose numbers the log does not have; how many were left out.

        Raises:
            EventTooLarge, QueueFull or QueueUnavailable: as ``Queue.publish``.
        """
        producer = numbered.producer
        async with self._turn:
            # Forgotten until the call has ended well: whatever it is that ends the call, the log is looked at again.
            known = self._known.pop(producer, None)
            if known is None:
                known = Known(numbered.first - 1, await self._look_back(numbered))
            missing = known.missing(numbered, len(messages))
            left_out = len(messages) - len(missing)
            too_large: EventTooLarge | None = None
            try:
                if missing:
                    stamps = [stamp(producer, numbered.first + index) for index in missing]
                    left_out += await self._publish([messages[index] for index in missing], stamps)
            except EventTooLarge as error:
                too_large = EventTooLarge(str(error), [missing[index] for index in error.indexes])
            known.published(numbered.last(len(messages)))
            self._known[producer] = known
        if too_large is not None:
            raise too_large
        return left_out
