"""The tables of metrics are what ``/metrics`` shows, and docs/metrics.md is what is made of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client.metrics_core import Metric

from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.families.destination import DESTINATION
from exporter.telemetry.families.family import Family
from exporter.telemetry.families.page import metrics_page
from exporter.telemetry.families.process import PROCESS, SYSTEM
from exporter.telemetry.families.source import SOURCE
from exporter.telemetry.metrics import Gauges, Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.source_metrics import SourceGauges, SourceMetrics
from exporter.telemetry.status import Build
from exporter.telemetry.tracing.collector import Collector, SpanMetrics, Spans

BUILD = Build("compiled", "3.13.1")
#: What a table does not list: the configuration, or the installation, gives them.
GIVEN = {"destination": "crm", "source": "shop", "flow": "orders", "code": "200", "version": "1", "python": "3.13.1"}


def running() -> Iterable[Metric]:
    """All that ``exporter run`` shows, where tracing is on."""
    metrics = Metrics(lambda: 0)
    metrics.of("crm")
    metrics.watch("crm", lambda: Gauges(0, 0, 0, 0.0, frozenset(), 0, 1, 1.0))
    ProcessMetrics(metrics, "1", BUILD, ConfigurationHealth(time.time), lambda: 0)
    nothing = SimpleNamespace(sent=0, failed=0, dropped=0)
    metrics.registry.register(SpanMetrics(metrics, cast(Collector, nothing), cast(Spans, nothing)))
    return metrics.registry.collect()


def serving() -> Iterable[Metric]:
    """All that ``exporter serve`` shows."""
    metrics = SourceMetrics(lambda: 0)
    metrics.gauges = lambda: SourceGauges(0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0.0, backfills={"crm": (0, 0)})
    metrics.answered("shop", 200, 1, 0.1)
    metrics.became("orders", "taken")
    metrics.mapping_failed("orders", ["time", "too_large", "value"])
    metrics.warned("orders", ["primaries", "namespace", "id"])
    ProcessMetrics(metrics, "1", BUILD, ConfigurationHealth(time.time))
    return metrics.registry.collect()


OF_RUN_ALONE = {"exporter_standby", "exporter_spans"}


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (running, {**DESTINATION, **PROCESS, **SYSTEM}),
        (serving, {**SOURCE, **{name: PROCESS[name] for name in PROCESS.keys() - OF_RUN_ALONE}, **SYSTEM}),
    ],
)
def test_the_tables_are_what_is_shown(shown: Callable[[], Iterable[Metric]], told: Mapping[str, Family]) -> None:
    families = {family.name: family for family in shown()}
    assert families.keys() == told.keys()
    for name, family in families.items():
        assert (name, family.type, family.documentation) == (name, told[name].kind, told[name].meaning)
        values: dict[str, set[str]] = {label: set() for label in told[name].labels}
        for sample in family.samples:
            labels = {label: value for label, value in sample.labels.items() if label != "le"}
            assert labels.keys() == values.keys(), name
            for label, value in labels.items():
                values[label].add(value)
        for label, found in values.items():
            listed = told[name].labels[label]
            assert found <= set(listed) if listed else found == {GIVEN[label]}, name
            # A build is of one kind at a time; all other values are there from the start on.
            assert found == set(listed) or not listed or label == "build", name


def test_the_page_of_the_documentation_is_the_one_that_is_made() -> None:
    """After a change of a table, write ``metrics_page()`` there again."""
    page = Path(__file__).parents[3] / "docs/metrics.md"
    assert page.read_text(encoding="utf-8") == metrics_page()


def test_every_row_says_something_in_every_column_but_the_labels() -> None:
    rows = [line for line in metrics_page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(DESTINATION) + len(SOURCE) + len(PROCESS) + len(SYSTEM)
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        assert len(cells) == 6
        assert [place for place, cell in enumerate(cells) if not cell] in ([], [3])
    names = [row.split("`")[1] for row in rows]
    assert len(set(names)) == len(names)
