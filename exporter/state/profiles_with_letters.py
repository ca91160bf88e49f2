"""Which profiles may have dead letters: answered for every delivery, so in memory, and never wrongly no."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: The most profiles that are told apart by 64-bit hashes (some 100 bytes each); beyond, by a bit each of ``BITS``.
HASHES: Final = 50_000
BITS: Final = 1 << 24


class Profiles:
    """A set of profile ids in a few megabytes at most, which may also contain ids that were never added.

    Additions and removals overlap with writes that are under way, so every addition has a number, and a removal names
    the last number to be removed.
    """

    def __init__(self, ids: Iterable[str] = (), *, hashes: int = HASHES, bits: int = BITS) -> None:
        self._hashes = hashes
        self._mask = bits - 1
        self._numbers: dict[int, int] = {}
        self._bits: bytearray | None = None
        self._last = 0
        for profile_id in ids:
            self.add(profile_id)

    @property
    def last(self) -> int:
        """The number of the latest addition."""
        return self._last

    def __bool__(self) -> bool:
        return bool(self._numbers) or self._bits is not None

    def __contains__(self, profile_id: str) -> bool:
        if self._bits is not None:
            place = hash(profile_id) & self._mask
            return bool(self._bits[place >> 3] & (1 << (place & 7)))
        return hash(profile_id) in self._numbers

    def add(self, profile_id: str) -> None:
        """Add a profile, or note that the profile was added again."""
        self._last += 1
        if self._bits is not None:
            self._set(self._bits, hash(profile_id))
            return
        self._numbers[hash(profile_id)] = self._last
        if len(self._numbers) > self._hashes:
            self._bits = bytearray((self._mask + 1) >> 3)
            for number in self._numbers:
                self._set(self._bits, number)
            self._numbers.clear()

    def discard(self, profile_id: str, last: int) -> None:
        """Take a profile out unless added after number ``last``. Bits are shared, so bits stay."""
        if self._numbers.get(hash(profile_id), last + 1) <= last:
            del self._numbers[hash(profile_id)]

    def _set(self, bits: bytearray, number: int) -> None:
        place = number & self._mask
        bits[place >> 3] |= 1 << (place & 7)
