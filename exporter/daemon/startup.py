"""The status of all dataflows while the daemon waits for state and queue to open (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from exporter.telemetry.metrics import Gauges
from exporter.telemetry.status import DataflowStatus, Health

Part = Literal["queue", "state"]


def unreachable(part: str, place: str, failure: str) -> str:
    """The words of ``/ready`` for a part that cannot be used."""
    return f"{part} cannot be reached ({place})" + (f": {failure}" if failure else "")


class Startup:
    """The progress of a daemon's start: which part is being opened, and why opening has not worked so far.

    ``places`` holds the whereabouts of each part.
    """

    def __init__(self, destinations: Sequence[str], places: Mapping[Part, str]) -> None:
        self._destinations = destinations
        self._places = places
        self._part: Part | None = None
        self._failure: str | None = None

    def opening(self, part: Part) -> None:
        """Note that ``part`` is being opened now; the part before is open."""
        self._part = part
        self._failure = None

    def failed(self, reason: str) -> None:
        """Note why the part could not be opened; the daemon tries again."""
        self._failure = reason

    @property
    def reason(self) -> str:
        """The reason for waiting."""
        return "starting" if self._part is None or self._failure is None else f"{self._part} cannot be reached"

    def health(self) -> Health:
        """Not ready, and why."""
        if self._part is None or self._failure is None:
            return Health(False, ("starting",))
        return Health(False, (unreachable(self._part, self._places[self._part], self._failure),))

    def gauges(self) -> Gauges:
        """The gauges of each dataflow: paused, once a part could not be opened."""
        return Gauges(0, 0, None, None, self._paused, 0)

    def status(self) -> list[DataflowStatus]:
        """The status of all dataflows, in the order of the configuration."""
        state: Literal["paused", "starting"] = "paused" if self._paused else "starting"
        return [
            DataflowStatus(name, state, tuple(self._paused), last_failure=self._failure) for name in self._destinations
        ]

    @property
    def _paused(self) -> frozenset[str]:
        return frozenset() if self._part is None or self._failure is None else frozenset({self._part})
