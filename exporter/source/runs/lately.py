"""What became of each flow's records lately, in short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from exporter.source.profiles.port import ProfileStore
from exporter.source.profiles.tally import HOUR_MS, hour_of
from exporter.source.runs.reading import RunReader, Which
from exporter.source.runs.sums import Sums, sums_of

_DAY_HOURS: Final = 24


@dataclass(slots=True)
class _Counts:
    """How many records there were, and what they came to."""

    input: int = 0
    output: int = 0
    failed: int = 0

    def add(self, sums: Sums) -> None:
        self.input += sums.input
        self.output += sums.output
        self.failed += sums.failures


@dataclass(slots=True)
class _OfFlow:
    id: str
    name: str
    hour: _Counts = field(default_factory=_Counts)
    day: _Counts = field(default_factory=_Counts)


async def lately(store: ProfileStore, now: int, name_of: Callable[[str], str]) -> Sequence[dict[str, Any]]:
    """Of each flow with records: the hour of ``now``, in epoch milliseconds, and 24 hours that end with it; by name.

    ``name_of`` gives a flow's name by its id, and an empty one of a flow that is gone.

    Raises:
        ProfilesUnavailable: the store cannot be read now.
    """
    hour = hour_of(now)
    flows: dict[str, _OfFlow] = {}
    async for run in RunReader(store, lambda: now).runs(Which(since=hour - (_DAY_HOURS - 1) * HOUR_MS)):
        if run.flow:
            flow = flows.setdefault(run.flow, _OfFlow(run.flow, name_of(run.flow)))
            sums = sums_of(run.parts)
            flow.day.add(sums)
            if run.hour == hour:
                flow.hour.add(sums)
    return [asdict(each) for each in sorted(flows.values(), key=lambda each: (each.name, each.id))]
