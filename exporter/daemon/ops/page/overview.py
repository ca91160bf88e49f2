"""All destinations at a glance: worst first, by name and state, with how much is delivered a second. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.telemetry.standing import (
    STANDINGS,
    Badness,
    Standing,
    badness,
    counts_here,
    failed_since_success,
    standing,
)
from exporter.telemetry.status import DataflowStatus

#: The shortest and the longest time between two samples that make a rate, in seconds.
SAMPLE_SECONDS: Final = 1.0
_OLD_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """A destination in the list.

    ``rate`` is how many exports are delivered a second, None while that is not known; ``failure`` is what failed since
    something was delivered, or keeps the destination from running; what is None of the rest is not known here.
    """

    flow: DataflowStatus
    standing: Standing
    rate: float | None
    failure: str | None
    delivered: int | None
    dead_letters: int | None


def standing_of(flow: DataflowStatus) -> Standing:
    """How a destination stands."""
    return standing(flow.state, flow.paused, flow.last_failure)


def listed(
    flows: Iterable[DataflowStatus], rates: Mapping[str, float], name: str = "", state: str = ""
) -> Sequence[Row]:
    """The rows of those whose name has ``name`` in it and whose standing or state is ``state``, worst first."""
    wanted = name.casefold()
    rows = [_row(flow, rates.get(flow.destination)) for flow in flows]
    return sorted(
        (
            row
            for row in rows
            if wanted in row.flow.destination.casefold() and state in ("", row.standing, row.flow.state)
        ),
        key=_worst_first,
    )


def _row(flow: DataflowStatus, rate: float | None) -> Row:
    stands = standing_of(flow)
    by_hand = stands == "held"  # such a pause has no failure for its cause
    fails = stands != "running" or failed_since_success(flow.last_success_at, flow.last_failure_at)
    known = counts_here(flow.state)
    return Row(
        flow,
        stands,
        rate,
        failure=flow.last_failure if fails and not by_hand else None,
        delivered=flow.delivered if known else None,
        dead_letters=flow.dead_letters if known else None,
    )


def _worst_first(row: Row) -> Badness:
    flow = row.flow
    return badness(row.standing, flow.oldest_pending_seconds, flow.lag_messages, flow.dead_letters, flow.destination)


def counts(flows: Iterable[DataflowStatus]) -> Mapping[Standing, int]:
    """How many destinations stand so, the worst first; none where it is none."""
    found = Counter(map(standing_of, flows))
    return {each: found[each] for each in STANDINGS if found[each]}


class Rates:
    """Deliveries a second, from what two looks saw: nobody looking costs nothing. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._before: tuple[float, Mapping[str, int]] = (0.0, {})
        self._last: tuple[float, Mapping[str, int]] = (0.0, {})

    def seen(self, flows: Iterable[DataflowStatus], now: float) -> Mapping[str, float]:
        """The rates by destination, after this look."""
        if now - self._last[0] >= SAMPLE_SECONDS:
            self._before, self._last = self._last, (now, {flow.destination: flow.delivered for flow in flows})
        (since, before), (until, last) = self._before, self._last
        if not before or until - since > _OLD_SECONDS:
            return {}
        # A count that fell is of a process that was started anew.
        return {name: max(0, last[name] - before[name]) / (until - since) for name in last if name in before}
