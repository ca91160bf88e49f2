"""What is said of all dataflows while they wait for state and queue to be opened (DESIGN §2.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from exporter.metrics import Gauges
from exporter.status import DataflowStatus, Health

Part = Literal["queue", "state"]


class Waiting:
    """Where the start of a daemon stands: which part is being opened, and why that did not work so far."""

    def __init__(self, destinations: Sequence[str]) -> None:
        self._destinations = destinations
        self._part: Part | None = None
        self._failure: str | None = None

    def opening(self, part: Part) -> None:
        """It is this part's turn; the one before is open."""
        self._part = part
        self._failure = None

    def failed(self, reason: str) -> None:
        """It could not be opened; it will be tried again."""
        self._failure = reason

    @property
    def reason(self) -> str:
        """What is waited for."""
        return "starting" if self._part is None else f"{self._part} cannot be reached"

    def health(self) -> Health:
        """Not ready."""
        return Health(False, (self.reason,))

    def gauges(self) -> Gauges:
        """Of each dataflow: paused, once something could not be opened."""
        return Gauges(0, 0, None, None, self._paused, 0)

    def status(self) -> list[DataflowStatus]:
        """Of all dataflows, in the order of the configuration."""
        state: Literal["paused", "starting"] = "paused" if self._paused else "starting"
        return [
            DataflowStatus(name, state, tuple(self._paused), last_failure=self._failure) for name in self._destinations
        ]

    @property
    def _paused(self) -> frozenset[str]:
        return frozenset() if self._part is None or self._failure is None else frozenset({self._part})
