"""The metrics of a process as a whole: build, resources, configuration, standby."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from exporter.telemetry.configuration import ConfigurationHealth
from exporter.telemetry.families.process import PROCESS
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.source_metrics import SourceMetrics
from exporter.telemetry.status import Build


class ProcessMetrics:
    """Shown with the ``metrics`` of the process from the moment on that it is made.

    ``configuration`` and ``standby``, how many dataflows stand by, are None for a parent: its workers show theirs.
    """

    def __init__(
        self,
        metrics: Metrics | SourceMetrics,
        version: str,
        build: Build,
        configuration: ConfigurationHealth | None = None,
        standby: Callable[[], int] | None = None,
    ) -> None:
        self._version = version
        self._build = build
        self._labels = {} if metrics.shard is None else {"shard": metrics.shard}
        self._process = ProcessCollector(registry=CollectorRegistry(auto_describe=False))
        self._configuration = configuration
        self._standby = standby
        metrics.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The metrics of a scrape."""
        build = {"version": self._version, "build": self._build.kind, "python": self._build.python}
        yield self._gauge("exporter_build_info", 1, **build)
        if (health := self._configuration) is not None:
            told = PROCESS["exporter_config_reloads"]
            reloads = CounterMetricFamily(told.name, told.meaning, labels=[*told.labels, *self._labels])
            for outcome, count in health.reloads.items():
                reloads.add_metric([outcome, *self._labels.values()], count)
            yield reloads
            yield self._gauge("exporter_config_valid", health.status.valid)
        if self._standby is not None:
            yield self._gauge("exporter_standby", self._standby())
        for family in self._process.collect():
            family.samples = [each._replace(labels={**each.labels, **self._labels}) for each in family.samples]
            yield family

    def _gauge(self, name: str, value: float, **labels: str) -> Metric:
        labels |= self._labels
        family = GaugeMetricFamily(name, PROCESS[name].meaning, labels=list(labels))
        family.add_metric(list(labels.values()), value)
        return family
