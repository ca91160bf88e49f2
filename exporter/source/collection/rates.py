"""How many records a second, or validations a minute, an inlet may send. Pure: time is passed in."""

from __future__ import annotations

import math

#: Sums of a clock's seconds are rounded: without it the last record of a second's worth would be refused now and then.
_ROUNDING_SECONDS = 1e-6


class Rates:
    """A bucket for each name (GCRA), of what may come in ``seconds``. ``per_second`` is above zero, and may change."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._full_at: dict[str, float] = {}

    def wait(self, name: str, count: int, per_second: float, now: float) -> float:
        """Take ``count``, or the seconds (above 0) after which to ask again; then nothing was taken.

        A count beyond a bucket is let through when the bucket is full, and paid off afterwards.
        """
        if per_second <= 0:
            return math.inf
        burst = max(self._seconds, 1 / per_second)
        due = max(self._full_at.get(name, now), now)
        need = count / per_second
        beyond = due - now + min(need, burst) - burst
        if due > now and beyond > _ROUNDING_SECONDS:
            return max(beyond, 0.001)
        self._full_at[name] = due + need
        return 0.0
