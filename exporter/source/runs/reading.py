"""Reads runs from the profile store, some at a time, the newest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.profiles.port import ProfileStore
from exporter.source.runs.documents import run_document
from exporter.source.runs.ids import hour_in, run_id
from exporter.source.runs.sums import Run, runs_in

#: Runs that are read at a time.
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Which:
    """What bounds the reading: runs of hours from ``since`` on, in epoch milliseconds, and only of ``flow`` if given.

    ``failed``: only runs with records that failed, be there others or not.
    """

    since: int = 0
    flow: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RunReader:
    """Reads what ``store`` counts. Every call raises ``ProfilesUnavailable`` where that cannot be read now.

    Attributes:
        store: the profiles.
        now: epoch milliseconds.
        of_flow: what a run's document says of its flow, by the flow's id, beside the id.
    """

    store: ProfileStore
    now: Callable[[], int]
    of_flow: Callable[[str], Mapping[str, Any]] = lambda _: {}

    async def runs(self, which: Which) -> AsyncGenerator[Run, None]:
        """The runs, read as they are asked for; what no flow counts is among them, as the run of an empty id."""
        beyond: tuple[int, str] | None = None
        while parts := await self.store.runs(which.since, beyond, _PAGE, flow=which.flow, failed=which.failed):
            for run in runs_in(parts):
                yield run
            beyond = parts[-1].hour, parts[-1].flow

    async def of_hour(self, hour: int | None) -> Sequence[Run]:
        """The runs of one hour; none where there is no hour."""
        runs: list[Run] = []
        beyond = None if hour is None else (hour + 1, "")
        while hour is not None and (parts := await self.store.runs(hour, beyond, _PAGE)):
            runs += runs_in(parts)
            beyond = parts[-1].hour, parts[-1].flow
        return runs

    async def documents(self, which: Which) -> AsyncGenerator[Mapping[str, Any], None]:
        """The documents of the runs of flows."""
        now, known = self.now(), dict[str, Mapping[str, Any]]()
        async with aclosing(self.runs(which)) as runs:
            async for run in runs:
                if run.flow:
                    if run.flow not in known:
                        known[run.flow] = self.of_flow(run.flow)
                    yield run_document(run, known[run.flow], now)

    async def document(self, name: str) -> Mapping[str, Any] | None:
        """The document of one run, by its id; None where there is none."""
        for run in await self.of_hour(hour_in(name)):
            if run.flow and run_id(run.hour, run.flow) == name:
                return run_document(run, self.of_flow(run.flow), self.now())
        return None
