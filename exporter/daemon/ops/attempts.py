"""Where the ops port and its socket get attempts from (contract.md#watching)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exporter.telemetry.attempts import Attempt, Attempts


class AttemptsDesk(Protocol):
    """The attempts of a process; a parent's asks the worker that runs the destination.

    Every ``destination`` comes from outside and may be no destination's. No method raises.
    """

    async def latest(self, destination: str) -> Sequence[Attempt] | str:
        """The attempts that are kept, the latest first; or why they cannot be had, for people.

        A look: all attempts at the destination are recorded for the next ``LOOK_SECONDS``, else only failures are.
        """


class OwnAttempts:
    """``AttemptsDesk`` of a process that makes the attempts itself."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def latest(self, destination: str) -> Sequence[Attempt] | str:
        return self._attempts.latest(destination)
