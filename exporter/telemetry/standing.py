"""How a destination stands, for people: one order, the worst first, for the page and for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias

#: A destination fails, is held by an operator, does not run here now, or runs: the worst first.
Standing = Literal["failing", "held", "waiting", "running"]
STANDINGS: Final[Sequence[Standing]] = ("failing", "held", "waiting", "running")

#: What sorts destinations, the worst first.
Badness: TypeAlias = tuple[int, float, int, int, str]


def standing(state: str, paused: Collection[str], last_failure: str | None) -> Standing:
    """How a destination stands, by what ``DataflowStatus`` has under these names."""
    if state == "paused":
        return "held" if {*paused} == {"operator"} else "failing"
    if state == "running":
        return "running"
    return "failing" if last_failure and state == "starting" else "waiting"


def counts_here(state: str) -> bool:
    """Whether the process reads the destination's events, so that its counts and its dead letters are known."""
    return state not in ("starting", "standby")


def failed_since_success(last_success_at: float | None, last_failure_at: float | None) -> bool:
    """Whether the last that is known of attempts is a failure; both are seconds since the epoch."""
    return last_failure_at is not None and (last_success_at is None or last_failure_at > last_success_at)


def badness(
    stands: Standing,
    oldest_pending_seconds: float | None,
    lag_messages: int | None,
    dead_letters: int,
    destination: str,
) -> Badness:
    """Of those that stand alike, those first whose oldest event is older, that are further behind, and so on."""
    return STANDINGS.index(stands), -(oldest_pending_seconds or 0.0), -(lag_messages or 0), -dead_letters, destination
