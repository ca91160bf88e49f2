"""The metrics of a process as a whole (contract.md#operation)."""

from __future__ import annotations

import os

import psutil
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.daemon.workers.parent import merged
from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.process_metrics import ProcessMetrics
from exporter.telemetry.status import Build, ConfigStatus

BUILD = Build("compiled", "3.13.1")

#: Name to labels beside ``shard``, as contract.md#operation has them.
CONTRACT = {
    "exporter_build_info": {"version", "build", "python"},
    "exporter_config_reloads_total": {"outcome"},
    "exporter_config_valid": set[str](),
    "exporter_standby": set(),
}
PROCESS = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
}


def samples(text: bytes) -> list[tuple[str, dict[str, str], float]]:
    families = text_string_to_metric_families(text.decode())
    return [(each.name, dict(each.labels), each.value) for family in families for each in family.samples]


@pytest.mark.parametrize("shard", [None, "2/4"])
def test_every_metric_has_its_labels(shard: str | None) -> None:
    metrics = Metrics(shard=shard)
    ProcessMetrics(metrics, "1.2.3", BUILD, ConfigurationHealth(lambda: 5.0), lambda: 3)
    found = samples(generate_latest(metrics.registry))
    mine = {name: set(labels) for name, labels, _ in found}
    of_shard = set() if shard is None else {"shard"}
    process = {name: set[str]() for name in PROCESS}
    assert {name: labels for name, labels in mine.items() if name in CONTRACT or name in PROCESS} == {
        name: labels | of_shard for name, labels in (CONTRACT | process).items()
    }
    build = {"version": "1.2.3", "build": "compiled", "python": "3.13.1"}
    more = {} if shard is None else {"shard": shard}
    assert ("exporter_build_info", build | more, 1) in found
    assert ("exporter_standby", more, 3) in found
    [size] = [value for name, _, value in found if name == "process_resident_memory_bytes"]
    assert size == pytest.approx(psutil.Process(os.getpid()).memory_info().rss, rel=0.5)


def test_reloads_are_counted_by_outcome_and_the_last_says_whether_it_is_valid() -> None:
    health = ConfigurationHealth(lambda: 5.0)
    metrics = Metrics()
    ProcessMetrics(metrics, "1.2.3", BUILD, health)

    def told() -> dict[str, float]:
        return {
            labels.get("outcome", name): value
            for name, labels, value in samples(generate_latest(metrics.registry))
            if name.startswith("exporter_config")
        }

    none = {"applied": 0, "invalid": 0, "needs_restart": 0, "unusable": 0, "not_shared": 0}
    assert told() == none | {"exporter_config_valid": 1}
    health.refused("needs_restart", ["queue: needs a restart"])
    assert told() == none | {"needs_restart": 1, "exporter_config_valid": 0}
    assert health.status.problems == ("queue: needs a restart",)
    health.applied()
    assert told() == none | {"needs_restart": 1, "applied": 1, "exporter_config_valid": 1}
    assert health.status == ConfigStatus(True, 5.0, ())


def test_those_of_workers_stand_beside_their_parent_s() -> None:
    parent, worker = Metrics(), Metrics(shard="1/1")
    ProcessMetrics(parent, "1.2.3", BUILD)
    ProcessMetrics(worker, "1.2.3", BUILD, ConfigurationHealth(lambda: 5.0), lambda: 0)
    found = samples(merged([generate_latest(parent.registry), generate_latest(worker.registry)]))
    assert len({(name, *sorted(labels.items())) for name, labels, _ in found}) == len(found)
    assert [labels.get("shard") for name, labels, _ in found if name == "process_open_fds"] == [None, "1/1"]
    assert [labels for name, labels, _ in found if name == "exporter_config_valid"] == [{"shard": "1/1"}]
