"""What was made before, so that of the same nothing is made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """What was made, by its name, beside what it was made of. Not for two calls at once."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, ...], tuple[tuple[Any, ...], Any]] = {}
        self._now: dict[tuple[str, ...], tuple[tuple[Any, ...], Any]] = {}

    def of(self, name: tuple[str, ...], parts: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What ``make`` makes of ``parts``: what it made of equal ones before, if that is kept under this name."""
        found = self._now.get(name)
        if found is None or found[0] != parts:
            found = self._before.get(name)
            if found is None or found[0] != parts:
                found = parts, make()
            self._now[name] = found
        made: T = found[1]
        return made

    def forget(self) -> None:
        """Forget what was not asked for since the last time."""
        self._before, self._now = self._now, {}
