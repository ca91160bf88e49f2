"""The order of writes: by the time at which their records were taken, within a millisecond by the records' names."""

from __future__ import annotations

from typing import TypeAlias

#: When a record was taken, in epoch milliseconds, and its xactionId. All writes of one record have one stamp.
Stamp: TypeAlias = tuple[int, str]


def newer(one: Stamp, other: Stamp) -> bool:
    """Whether ``one`` was written after ``other``; a stamp is not newer than itself."""
    if one[0] != other[0]:
        return one[0] > other[0]
    return one[1] != other[1] and _sequence(one[1]) > _sequence(other[1])


def newest(one: Stamp, other: Stamp) -> Stamp:
    """The newer of two stamps."""
    return one if newer(one, other) else other


def _sequence(xaction_id: str) -> tuple[tuple[int, int, str], ...]:
    """A value that sorts xactionIds as they were given: their parts are decimal numbers, of any length."""
    parts = []
    for part in xaction_id.split(":"):
        if part.isascii() and part.isdecimal():
            digits = part.lstrip("0")
            parts.append((0, len(digits), digits))
        else:
            parts.append((1, 0, part))
    return tuple(parts)
