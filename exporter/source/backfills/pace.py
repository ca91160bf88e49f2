"""How many profiles may be told at a moment, so that no second has more than its rate."""

from __future__ import annotations

#: Profiles that one transaction tells at most: live records wait for it.
STEP_PROFILES = 100
#: A slower rate is told in so many steps a second.
_STEPS = 5
#: What sums of fractions may be short of a step.
_ROUNDING = 1e-6


class Pace:
    """Fills with ``rate`` profiles a second, up to what one step tells. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._room = 0.0
        self._at: float | None = None

    def room(self, rate: float, now: float) -> int:
        """How many profiles may be told now; 0 until there is enough for a step."""
        step = step_of(rate)
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._room = min(self._room + passed * rate, step)
        self._at = now
        return step if self._room >= step - _ROUNDING else 0

    def wait(self, rate: float) -> float:
        """The seconds until there is enough for a step."""
        return max(0.0, (step_of(rate) - self._room) / rate)

    def told(self, profiles: int) -> None:
        """Note that profiles were told."""
        self._room -= profiles


def step_of(rate: float) -> int:
    """How many profiles one step tells at a rate."""
    return max(1, min(STEP_PROFILES, int(rate / _STEPS)))
