"""What operators ask of destinations by hand, kept for each group: a pause, and probes (contract.md#by-hand)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class OperatorPause:
    """A pause by hand: ``at`` in epoch seconds, ``by`` whom and ``why``, each empty where unknown.

    Both texts are printable and of one line.
    """

    at: float
    by: str
    why: str

    def __str__(self) -> str:
        """For people: since when, by whom, and why."""
        since = f"since {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return since + (f" by {self.by}" if self.by else "") + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Intervention:
    """What was asked of a group: ``pause``, None where there is none, and how many probes were ever asked for."""

    pause: OperatorPause | None = None
    probes: int = 0


#: Of a group of which nobody has asked for anything.
NO_INTERVENTION: Final = Intervention()


class Interventions(Protocol):
    """What was asked of every group; a change is durable on return.

    Raises:
        StateUnavailable: by every call; a change may have been made all the same.
    """

    async def all(self) -> Mapping[str, Intervention]:
        """What was asked, by group, in one query; groups of which nothing was asked may be missing."""
        ...

    async def pause(self, group: str, pause: OperatorPause) -> None:
        """Pause the group, in the place of an earlier pause."""
        ...

    async def resume(self, group: str) -> OperatorPause | None:
        """End the pause; return the pause that there was."""
        ...

    async def probe(self, group: str) -> None:
        """Ask for one probe more."""
        ...

    async def forget(self, group: str) -> OperatorPause | None:
        """Forget the group; return the pause that there was."""
        ...
