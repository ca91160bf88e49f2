"""What is said of all dataflows while they wait for state and queue to be opened (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from exporter.telemetry.metrics import Gauges
from exporter.telemetry.status import DataflowStatus, Health

Part = Literal["queue", "state"]


def unreachable(part: str, place: str, failure: str) -> str:
    """What ``/ready`` says of a part that cannot be used."""
    return f"{part} cannot be reached ({place})" + (f": {failure}" if failure else "")


class Waiting:
    """Where the start of a daemon stands: which part is being opened, and why that did not work so far.

    ``places`` says of each part where it is.
    """

    def __init__(self, destinations: Sequence[str], places: Mapping[Part, str]) -> None:
        self._destinations = destinations
        self._places = places
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
        return "starting" if self._part is None or self._failure is None else f"{self._part} cannot be reached"

    def health(self) -> Health:
        """Not ready, and why."""
        if self._part is None or self._failure is None:
            return Health(False, ("starting",))
        return Health(False, (unreachable(self._part, self._places[self._part], self._failure),))

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
