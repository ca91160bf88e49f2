"""Several workers' metrics as one exposition, as Prometheus' own parser reads it."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.daemon.workers.parent import merged
from exporter.telemetry.metrics import Gauges, Metrics


def exposition(*destinations: str) -> bytes:
    metrics = Metrics()
    for number, name in enumerate(destinations):
        metrics.of(name).received.inc(number + 1)
        metrics.of(name).attempt_seconds.observe(0.2)
        metrics.watch(name, lambda: Gauges(1, 2, None, None, frozenset({"queue"}), 0))
    return generate_latest(metrics.registry)


def samples(text: bytes) -> set[tuple[object, ...]]:
    return {
        (family.name, family.type, family.documentation, sample.name, *sorted(sample.labels.items()), sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_has_every_series_of_each_and_every_family_once() -> None:
    one, two = exposition("a", "b"), exposition("c")
    both = merged([one, two])

    assert samples(both) == samples(one) | samples(two)
    heads = [line for line in both.splitlines() if line.startswith((b"# HELP", b"# TYPE"))]
    assert len(heads) == len(set(heads)) == len([line for line in one.splitlines() if line.startswith(b"# ")])


def test_of_one_is_that_one() -> None:
    assert merged([exposition("a")]) == exposition("a")


def test_a_worker_that_does_not_answer_is_left_out() -> None:
    assert merged([b"", exposition("a"), b""]) == exposition("a")
    assert merged([]) == b""
