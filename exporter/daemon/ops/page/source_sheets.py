"""The sheet of a process that takes records: its sources, what waits, what became of records, backfills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from exporter.daemon.ops.page.sheets import Asked, Sheet
from exporter.dataflow.dependencies import Clock
from exporter.state.bad_record import BadRecordSummary
from exporter.state.port import Totals

#: So many bad records are shown, the newest.
BAD_RECORDS: Final = 15


class ShownInlet(NamedTuple):
    """An inlet as people may see it: ``short_id`` are the first eight characters of its id, which is a secret."""

    short_id: str
    source: str
    enabled: bool
    authentication: bool
    flows: int


@dataclass(frozen=True, slots=True)
class Bad:
    """The bad records that are kept: how many of each reason, and the newest, which hold no data."""

    reasons: Mapping[str, Totals]
    newest: Sequence[BadRecordSummary]


class SourceParticulars(Protocol):
    """Asked only for whoever has the token. Nothing raises."""

    def inlets(self) -> Sequence[ShownInlet]:
        """All inlets, by the name of their source."""

    def flow_name(self, flow: str) -> str:
        """The name of a flow by its id; empty where it is gone."""

    async def bad(self) -> Bad | str:
        """The bad records; or why they cannot be had now, for people."""


class SourceSheets:
    """``Sheets`` of the way in: ``status`` is what ``/status`` says, ``particulars`` are for who has the token."""

    name: Final = "exporter serve"
    gain: Final = "is also shown inlets and bad records"

    def __init__(self, status: Callable[[], Mapping[str, Any]], particulars: SourceParticulars, clock: Clock) -> None:
        self._status = status
        self._particulars = particulars
        self._clock = clock

    async def sheet(self, asked: Asked) -> Sheet | None:
        if asked.path != "/":
            return None
        status = self._status()
        values: dict[str, Any] = {"inlets": (), "bad": None}
        if asked.signed_in:
            values = {"inlets": self._particulars.inlets(), "bad": await self._particulars.bad()}
        return Sheet(
            "source.html",
            "Sources",
            {
                **values,
                "status": status,
                "flows": _with_runs(status),
                "flow_name": self._particulars.flow_name,
                "now": self._clock.epoch(),
                "signed_in": asked.signed_in,
            },
        )


def _with_runs(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The flows that there are, and those that are gone and had records lately, each with its ``run`` or None.

    Those with failures come first.
    """
    runs = {run["id"]: run for run in status["runs"]}
    flows = [{**flow, "run": runs.pop(flow["id"], None), "gone": False} for flow in status["flows"]]
    gone = [
        {"name": run["name"] or run["id"], "enabled": False, "made": False, "run": run, "gone": True}
        for run in runs.values()
    ]
    return sorted((*flows, *gone), key=lambda each: -(each["run"] or {"day": {"failed": 0}})["day"]["failed"])
