"""Counts in plain numbers: counting for each event must cost next to nothing (contract.md#operation)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Counter:
    """A number that only grows. For a single thread: nothing is locked."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, amount: int = 1) -> None:
        """Add ``amount``, which is not negative."""
        self.value += amount


class Histogram:
    """How many observations fell into each bucket, and the sum of all. For a single thread: nothing is locked.

    ``bounds`` are the buckets' upper bounds, ascending, each part of its bucket; observations above the last bound have
    a bucket of their own.
    """

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0

    def observe(self, amount: float) -> None:
        """Count ``amount``, in the unit of the bounds."""
        self._counts[bisect_left(self._bounds, amount)] += 1
        self.sum += amount

    def cumulative(self) -> list[int]:
        """For each bound how many observations were not above it; at the end, how many there were."""
        return list(accumulate(self._counts))
