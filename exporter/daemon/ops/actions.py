"""What may be done to a destination by hand, over the ops port and its socket (contract.md#operation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from exporter.state.letter import Filter

Action = Literal["pause", "resume", "probe"]
#: What may be asked for at a path of its own.
Posted = Literal[Action, "test"]

#: Why nothing was done. ``unknown``: no such destination is configured; ``not_now``: the destination cannot do so at
#: this moment (nothing is in hand to probe with, say); ``unavailable``: the state, or the process that runs the
#: destination, cannot be reached; ``unsupported``: this process takes no actions.
Reason = Literal["unknown", "not_now", "unavailable", "unsupported"]


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked for holds now, whether or not it did before; ``detail`` is a sentence for people.

    ``counts`` are the numbers in it, by name, where it has any.
    """

    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing has changed, for the ``reason``; ``detail`` says why to people, without secrets."""

    reason: Reason
    detail: str


ActionResult: TypeAlias = Done | NotDone


class Actions(Protocol):
    """Takes actions on the destinations of a process; a parent's asks the worker that runs the destination.

    Every ``name`` comes from outside and may be no destination's. No method raises: a failure is a ``NotDone``.
    """

    async def pause(self, name: str, why: str, by: str = "") -> ActionResult:
        """Send nothing to the destination until ``resume``. ``why`` is the operator's note, empty where none is given.

        ``by`` is who the operator says to be, empty where that is not said. Each is one printable line of at most 200
        characters.
        """

    async def resume(self, name: str) -> ActionResult:
        """End the pause of ``pause``; pauses for other reasons end by themselves."""

    async def probe(self, name: str) -> ActionResult:
        """Send the next probe of a paused destination now instead of when it is due."""

    async def test(self, name: str) -> ActionResult:
        """Put a test event for the destination on the queue: its partner really gets it."""

    async def replay(self, which: Filter, *, superseded: bool) -> ActionResult:
        """Ask for the replay of dead letters, of superseded ones only if ``superseded``; does not wait for its end.

        The counts of ``Done`` are ``asked``, ``leftOut`` (superseded ones) and ``missing`` (ids that are not there).
        """
