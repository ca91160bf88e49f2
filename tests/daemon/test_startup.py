"""What a daemon says of its dataflows before queue and state are open."""

from __future__ import annotations

from exporter.daemon.startup import Startup
from exporter.telemetry.status import DataflowStatus, Health


def test_every_dataflow_is_paused_for_the_part_that_could_not_be_opened() -> None:
    waiting = Startup(["crm", "ads"], {"queue": "redis at r", "state": "sqlite at s.db"})
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.status() == [DataflowStatus("crm", "starting"), DataflowStatus("ads", "starting")]

    waiting.opening("state")
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.gauges().paused == frozenset()
    waiting.failed("the disk is full")
    assert waiting.reason == "state cannot be reached"
    assert waiting.health() == Health(False, ("state cannot be reached (sqlite at s.db): the disk is full",))
    assert waiting.gauges().paused == {"state"}
    assert waiting.status() == [
        DataflowStatus(name, "paused", ("state",), last_failure="the disk is full") for name in ("crm", "ads")
    ]

    waiting.opening("queue")
    assert waiting.health() == Health(False, ("starting",))
    assert waiting.gauges().paused == frozenset()
    waiting.failed("connection refused")
    assert waiting.gauges().paused == {"queue"}
    assert waiting.health() == Health(False, ("queue cannot be reached (redis at r): connection refused",))
