"""What the page of a serving process shows to whoever has the token: inlets by eight characters, and bad records."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.daemon.ops.page.source_sheets import BAD_RECORDS, Bad, ShownInlet
from exporter.daemon.serving.now import Now
from exporter.state.bad_record import BadRecordFilter
from exporter.state.port import StateUnavailable


class OfServing:
    """``SourceParticulars`` of what runs ``now``."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def inlets(self) -> Sequence[ShownInlet]:
        pipeline = self._now.pipeline
        inlets = () if pipeline is None else pipeline.in_force.plane.inlets.values()
        shown = [
            ShownInlet(each.short_id, each.source, each.enabled, each.authentication, len(each.flows))
            for each in inlets
        ]
        return sorted(shown, key=lambda each: (each.source, each.short_id))

    def flow_name(self, flow: str) -> str:
        pipeline = self._now.pipeline
        return "" if pipeline is None else pipeline.in_force.name_of(flow)

    async def bad(self) -> Bad | str:
        if self._now.opened is None:
            return "the state is not open yet"
        records = self._now.opened.state.bad_records
        try:
            totals = await records.totals()
            newest = await records.page(BadRecordFilter(), limit=BAD_RECORDS, newest_first=True)
        except StateUnavailable as error:
            return f"the state cannot be used now: {error.reason}"
        return Bad({reason: each for reason, each in totals.items() if each.letters}, newest)
