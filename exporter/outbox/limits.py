"""The limits of an outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an outbox; see ``delivery`` in config/exporter.yaml.

    ``rate`` is attempts a second; ``retry_delay(n)`` gives the seconds before retry n, n from 0, of ``retries``;
    ``probe_delay(n)`` the seconds before probe n of a pause.
    """

    retries: int
    retry_delay: Callable[[int], float]
    probe_delay: Callable[[int], float]
    rate: float
    concurrency: int
    window_events: int
    window_bytes: int
    retry_after_cap: float
    pause_after_rejections: int

    def capped(self, hint_seconds: float) -> float:
        """The seconds of a ``Retry-After`` for which it is heeded."""
        return min(hint_seconds, self.retry_after_cap)
