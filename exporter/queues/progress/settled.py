"""How far a group has settled a lane: the contiguous position, and the ranges settled beyond the first hole.

Pure. A lane's positions grow but have gaps, so what counts as contiguous is the received sequence
(contract.md#the-queue). A profile that waits for its retries is a hole, while thousands of other events settle behind
the hole: the ranges keep such events from being handed out again after a restart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: First and last position, both settled, with no unsettled position between.
Range = tuple[int, int]

_SETTLED_RUN = re.compile(b"\x01+")
_FORGET_AFTER = 4096


class Committed(NamedTuple):
    """The progress to make durable: all up to ``settled_to`` is settled, and so are ``ranges`` (see ``encode``)."""

    settled_to: int
    ranges: bytes


class LaneProgress:
    """Which of a lane's received positions are settled."""

    def __init__(self, settled_to: int, ranges: Iterable[Range] = (), *, max_range_bytes: int = 32 * 1024) -> None:
        """Go on from a commit: everything up to ``settled_to`` is settled, and ``ranges`` after that, ascending.

        ``max_range_bytes`` is how much room there is where the encoded ranges are kept.
        """
        self._settled_to = settled_to
        self._received_to = settled_to
        self._ahead = [known for known in ranges if known[1] > settled_to]  # ascending; not yet received
        self._max_range_bytes = max_range_bytes
        self._full = False
        # The received sequence from ``_start`` on; positions before are settled and forgotten now and then.
        self._positions: list[int] = []
        self._flags = bytearray()
        self._start = 0

    @property
    def full(self) -> bool:
        """Whether the last ``committed`` had no room for all ranges: stop reading the lane until there is room."""
        return self._full

    @property
    def received_to(self) -> int:
        """The highest position received or known to be settled contiguously."""
        return self._received_to

    def received(self, position: int) -> bool:
        """Note the next position of the lane; False if already settled, so that the message must not be handed out.

        Raises:
            ValueError: the position does not grow.
        """
        if position <= self._received_to:
            if position <= self._settled_to and not self._positions:
                return False
            raise ValueError(f"position {position} came after {self._received_to}")
        self._received_to = position
        while self._ahead and self._ahead[0][1] < position:
            self._ahead.pop(0)
        skip = bool(self._ahead) and self._ahead[0][0] <= position
        self._positions.append(position)
        self._flags.append(skip)
        return not skip

    def settle(self, position: int) -> None:
        """Note that a received position is settled; twice is harmless.

        Raises:
            ValueError: the position was never received.
        """
        if position <= self._settled_to:
            return
        positions = self._positions
        # Without gaps the index follows from the last position; with gaps a search finds the index.
        index = len(positions) - 1 - (self._received_to - position)
        if not (0 <= index < len(positions) and positions[index] == position):
            index = bisect_left(positions, position, self._start)
            if index == len(positions) or positions[index] != position:
                raise ValueError(f"position {position} was never received")
        self._flags[index] = 1

    def committed(self) -> Committed:
        """The progress now. Ranges that have no room are left out, the farthest ahead first, and ``full`` is set.

        What is left out would be handed out again after a crash; nothing unsettled is ever covered.
        """
        self._advance()
        ranges = self._ranges()
        encoded = encode(self._settled_to, ranges)
        self._full = len(encoded) > self._max_range_bytes
        if self._full:
            encoded = _fitting(encoded, self._max_range_bytes)
        return Committed(self._settled_to, encoded)

    def unsettled(self) -> int:
        """How many received positions are not settled."""
        return self._flags.count(0, self._start)

    def _advance(self) -> None:
        hole = self._flags.find(0, self._start)
        if hole < 0:
            hole = len(self._flags)
        if hole > self._start:
            self._settled_to = self._positions[hole - 1]
            self._start = hole
        if self._start == len(self._flags) or self._start > max(_FORGET_AFTER, len(self._flags) // 2):
            del self._positions[: self._start]
            del self._flags[: self._start]
            self._start = 0

    def _ranges(self) -> list[Range]:
        positions = self._positions
        runs = [
            (positions[run.start()], positions[run.end() - 1])
            for run in _SETTLED_RUN.finditer(self._flags, self._start)
        ]
        for first, last in self._ahead:
            if last > self._received_to:
                runs.append((max(first, self._received_to + 1), last))
        return runs


def count(ranges: Iterable[Range]) -> int:
    """How many positions ``ranges`` cover, where positions have no gaps."""
    return sum(last - first + 1 for first, last in ranges)


def gaps(begin: int, end: int, settled: Iterable[Range]) -> list[Range]:
    """The parts of ``begin`` to ``end``, both included, that are in none of the ascending ranges ``settled``."""
    found: list[Range] = []
    for first, last in settled:
        if first > end:
            break
        if begin < first:
            found.append((begin, first - 1))
        begin = max(begin, last + 1)
    if begin <= end:
        found.append((begin, end))
    return found


def encode(settled_to: int, ranges: Iterable[Range]) -> bytes:
    """Encode ``ranges``, ascending and after ``settled_to``: of each the distance from the range before and the length.

    Numbers are written seven bits to a byte, the lowest first, the highest bit set while more follow.
    """
    out = bytearray()
    before = settled_to
    for first, last in ranges:
        for number in (first - before, last - first):
            while number > 0x7F:
                out.append(number & 0x7F | 0x80)
                number >>= 7
            out.append(number)
        before = last
    return bytes(out)


def decode(settled_to: int, encoded: bytes) -> Sequence[Range]:
    """The ranges that ``encode`` wrote.

    Raises:
        ValueError: the bytes end within a number or a range.
    """
    numbers: list[int] = []
    number = shift = 0
    for byte in encoded:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) % 2:
        raise ValueError("the ranges end too early")
    ranges: list[Range] = []
    before = settled_to
    for distance, length in zip(numbers[::2], numbers[1::2], strict=True):
        first = before + distance
        before = first + length
        ranges.append((first, before))
    return ranges


def _fitting(encoded: bytes, max_bytes: int) -> bytes:
    """As many whole ranges from the start as fit."""
    end = numbers = 0
    for index, byte in enumerate(encoded[:max_bytes]):
        if byte < 0x80:
            numbers += 1
            if numbers % 2 == 0:
                end = index + 1
    return encoded[:end]
