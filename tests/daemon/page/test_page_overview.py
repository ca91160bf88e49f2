"""The list of destinations: worst first, by name and state, with rates from two looks."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.daemon.ops.page.overview import Rates, counts, listed, standing_of
from exporter.telemetry.status import DataflowState, DataflowStatus


def flow(name: str, state: DataflowState = "running", **more: Any) -> DataflowStatus:
    return DataflowStatus(name, state, **more)


def names(*flows: DataflowStatus, name: str = "", state: str = "") -> list[str]:
    return [row.flow.destination for row in listed(flows, {}, name, state)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (flow("a", "paused", paused=("unreachable",)), "failing"),
        (flow("a", "paused", paused=("operator", "unreachable")), "failing"),
        (flow("a", "paused", paused=("operator",)), "held"),
        (flow("a", "starting"), "waiting"),
        (flow("a", "starting", last_failure="shard 1/2: not running"), "failing"),
        (flow("a", "standby", last_failure="long over"), "waiting"),
        (flow("a", "draining"), "waiting"),
        (flow("a", "running", last_failure="long over"), "running"),
    ],
)
def test_how_a_destination_stands(found: DataflowStatus, expected: str) -> None:
    assert standing_of(found) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (flow("a", last_failure="422", last_failure_at=2.0, last_success_at=1.0), "422"),
        (flow("a", last_failure="422", last_failure_at=2.0), "422"),
        (flow("a", last_failure="422", last_failure_at=1.0, last_success_at=2.0), None),
        (flow("a", "paused", paused=("failing",), last_failure="503", last_failure_at=1.0, last_success_at=2.0), "503"),
        (flow("a", "paused", paused=("operator",), last_failure="503", last_failure_at=2.0), None),
        (flow("a"), None),
    ],
)
def test_a_row_says_what_fails_now(found: DataflowStatus, expected: str | None) -> None:
    [row] = listed([found], {})
    assert row.failure == expected


def test_the_worst_come_first() -> None:
    assert names(
        flow("well"),
        flow("letters", dead_letters=3),
        flow("behind", lag_messages=9),
        flow("old", oldest_pending_seconds=60.0),
        flow("standing-by", "standby"),
        flow("held", "paused", paused=("operator",)),
        flow("down", "paused", paused=("unreachable",)),
        flow("down-for-long", "paused", paused=("unreachable",), oldest_pending_seconds=60.0),
    ) == ["down-for-long", "down", "held", "standing-by", "old", "behind", "letters", "well"]


def test_by_name_and_state() -> None:
    flows = (flow("crm-eu"), flow("CRM-us", "paused", paused=("failing",)), flow("ads"))
    assert names(*flows, name="crm") == ["CRM-us", "crm-eu"]
    assert names(*flows, state="failing") == names(*flows, state="paused") == ["CRM-us"]
    assert names(*flows, name="crm", state="running") == ["crm-eu"]
    assert names(*flows, state="<script>") == []
    assert counts(flows) == {"failing": 1, "running": 2}


def test_rates_come_from_two_looks() -> None:
    rates = Rates()
    assert rates.seen([flow("a", delivered=100)], 50.0) == {}
    assert rates.seen([flow("a", delivered=140)], 50.5) == {}, "too soon to say"
    assert rates.seen([flow("a", delivered=120), flow("new")], 52.0) == {"a": 10.0}
    assert rates.seen([flow("a", delivered=999)], 52.5) == {"a": 10.0}, "what was seen last stands for a second"
    assert rates.seen([flow("a", delivered=5)], 54.0) == {"a": 0.0}, "another process counts from 0"
    assert rates.seen([flow("a", delivered=6)], 200.0) == {}, "nobody looked for long"
