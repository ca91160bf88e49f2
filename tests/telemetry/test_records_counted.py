"""What ``exporter serve`` shows of records before there are any."""

from __future__ import annotations

from exporter.telemetry.source_metrics import SourceGauges, SourceMetrics


def test_every_outcome_of_a_flow_is_there_before_its_first_record() -> None:
    """A series that is born with a bad record shows no rise: its alert would not fire."""
    metrics = SourceMetrics(lambda: 0)
    metrics.gauges = lambda: SourceGauges(flows=["orders"])
    for outcome in ("taken", "applied", "unchanged", "aside", "bad"):
        labels = {"flow": "orders", "outcome": outcome}
        assert metrics.registry.get_sample_value("exporter_source_records_total", labels) == 0
    metrics.became("orders", "bad")
    bad = {"flow": "orders", "outcome": "bad"}
    assert metrics.registry.get_sample_value("exporter_source_records_total", bad) == 1
