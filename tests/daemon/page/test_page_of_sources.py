"""The page of the way in, rendered from every kind of status that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest

from exporter.daemon.ops.page.rendering import Rendering
from exporter.daemon.ops.page.sheets import Asked
from exporter.daemon.ops.page.source_sheets import Bad, ShownInlet, SourceSheets
from exporter.daemon.serving.reload import needing_restart
from exporter.dataflow.dependencies import Clock
from exporter.settings.tree import Settings
from exporter.state.bad_record import BadRecordSummary
from exporter.state.port import Totals
from exporter.telemetry.status import ConfigStatus

EMPTY: dict[str, Any] = {
    "ready": False,
    "reasons": ("opening the profiles",),
    "started_at": 1.0,
    "config": asdict(ConfigStatus()),
    "flows": [],
    "runs": [],
    "backfills": [],
    **dict.fromkeys(("intake_records", "profiles", "identities", "outbox_events", "bad_records", "held_requests")),
    **dict.fromkeys(("intake_oldest_seconds", "bad_records_bytes")),
}
COUNTS = {"input": 7, "output": 5, "failed": 2}
FULL = EMPTY | {
    "ready": True,
    "reasons": (),
    "config": asdict(ConfigStatus(valid=False, problems=("line 7: <b>",), refused_at=5.0)),
    "flows": [{"id": "f-1", "name": "raw", "enabled": True, "made": False}],
    "runs": [
        {"id": "f-1", "name": "raw", "hour": COUNTS, "day": COUNTS},
        {"id": "f-gone", "name": "", "hour": COUNTS, "day": COUNTS | {"failed": 9}},
    ],
    "backfills": [
        {
            "number": 3,
            "destination": "crm",
            "segments": [],
            "mapped_at": "2026-11-20T10:15:00.000Z",
            "done": 10,
            "total": 40,
            "skipped": 1,
            "finished": False,
            "waits": "the intake is behind",
        }
    ],
    "profiles": 12_345,
    "intake_oldest_seconds": 90.0,
}
RECORD = BadRecordSummary(
    id=1, name="x-1", inlet="f" * 64, source="crm", flow="f-1", dataset="d", reason="xdm", detail="<i>", taken=1, kept=2
)


class Particulars:
    """What a way in has, or why it cannot be had."""

    def __init__(self, bad: Bad | str) -> None:
        self._bad = bad

    def inlets(self) -> Sequence[ShownInlet]:
        return [ShownInlet("667b41cf", "crm", True, False, 1)]

    def flow_name(self, flow: str) -> str:
        return {"f-1": "raw"}.get(flow, "")

    async def bad(self) -> Bad | str:
        return self._bad


async def shown(status: dict[str, Any], bad: Bad | str = "the state is away", *, signed_in: bool) -> str:
    sheet = await SourceSheets(lambda: status, Particulars(bad), Clock(lambda: 0.0, lambda: 100.0)).sheet(
        Asked("/", signed_in=signed_in)
    )
    assert sheet is not None
    return Rendering().part(sheet)


@pytest.mark.parametrize("signed_in", [False, True])
async def test_it_is_there_before_anything_is(signed_in: bool) -> None:
    text = await shown(EMPTY, signed_in=signed_in)
    assert "opening the profiles" in text
    assert ("the state is away" in text) is signed_in
    assert ("667b41cf" in text) is signed_in


async def test_flows_that_fail_come_first_and_those_that_are_gone_are_named_by_their_id() -> None:
    text = await shown(FULL, Bad({"xdm": Totals(1, 300)}, [RECORD]), signed_in=True)
    assert text.index("f-gone") < text.index(">raw<")
    for part in ("12,345", "oldest 1 min 30 s", "the intake is behind", "10 of 40", "&lt;i&gt;", "line 7: &lt;b&gt;"):
        assert part in text
    assert "f" * 9 not in text


def test_a_new_token_or_name_needs_a_restart_of_the_way_in() -> None:
    before, after = (
        Settings.model_validate({"ops": ops})
        for ops in ({"port": 1}, {"port": 2, "token": "sesame sesame", "hosts": ["exporter.example.com"]})
    )
    assert needing_restart(before, after) == ["ops.token", "ops.hosts"]
    assert needing_restart(before, Settings.model_validate({"ops": {"port": 2}})) == []
