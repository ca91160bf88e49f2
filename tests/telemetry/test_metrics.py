"""What a scrape shows (contract.md#operation): read back with the library's own parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.outbox.verdict import PauseReason
from exporter.telemetry.counting import Counter, Histogram
from exporter.telemetry.families.destination import DESTINATION
from exporter.telemetry.metrics import ATTEMPT_BUCKETS, Gauges, Metrics

#: Name to labels beside ``destination``, as contract.md#operation has them.
CONTRACT = {
    "exporter_events_received_total": set[str](),
    "exporter_events_excluded_total": {"reason"},
    "exporter_events_without_time_total": {"reason"},
    "exporter_exports_total": {"outcome"},
    "exporter_attempts_total": {"status_class"},
    "exporter_retries_total": set(),
    "exporter_dead_letters": set(),
    "exporter_attempt_seconds_bucket": {"le"},
    "exporter_attempt_seconds_sum": set(),
    "exporter_attempt_seconds_count": set(),
    "exporter_latency_seconds_bucket": {"le"},
    "exporter_latency_seconds_sum": set(),
    "exporter_latency_seconds_count": set(),
    "exporter_in_flight": set(),
    "exporter_concurrency": set(),
    "exporter_rate": set(),
    "exporter_window_events": set(),
    "exporter_queue_lag": set(),
    "exporter_oldest_pending_seconds": set(),
    "exporter_paused": {"reason"},
    "exporter_token_fetches_total": {"outcome"},
}

GAUGES = Gauges(
    in_flight=3,
    window_events=40,
    lag=500,
    oldest_pending_seconds=6.5,
    paused=frozenset({"unreachable", "state"}),
    dead_letters=7,
    concurrency=16,
    rate=500.0,
)


def samples(metrics: Metrics) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            yield sample.name, dict(sample.labels), sample.value


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    found = [number for name_, labels_, number in samples(metrics) if (name_, labels_) == (name, labels)]
    assert len(found) < 2
    return found[0] if found else None


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_names_and_labels_are_the_contract(metrics: Metrics) -> None:
    metrics.of("crm")
    metrics.watch("crm", lambda: GAUGES)
    seen: dict[str, set[str]] = {}
    for name, labels, _ in samples(metrics):
        assert labels["destination"] == "crm"
        seen.setdefault(name, set()).update(labels.keys() - {"destination"})
    assert seen == CONTRACT


def test_counting(metrics: Metrics) -> None:
    crm = metrics.of("crm")
    assert value(metrics, "exporter_events_received_total", destination="crm") == 0, "from 0, so a first one is a rise"
    crm.received.inc(5)
    crm.excluded["not_a_member"].inc()
    crm.without_time["unreadable"].inc(4)
    crm.delivered.inc(2)
    crm.dead_lettered.inc()
    crm.attempts["5xx"].inc(3)
    crm.attempts["no_answer"].inc()
    crm.retries.inc()
    crm.token_fetches["refused"].inc()
    crm.attempt_seconds.observe(0.2)
    crm.latency_seconds.observe(1800)
    for name, labels, expected in [
        ("exporter_events_received_total", {}, 5),
        ("exporter_events_excluded_total", {"reason": "not_a_member"}, 1),
        ("exporter_events_excluded_total", {"reason": "no_trigger"}, 0),
        ("exporter_events_without_time_total", {"reason": "unreadable"}, 4),
        ("exporter_events_without_time_total", {"reason": "absent"}, 0),
        ("exporter_exports_total", {"outcome": "delivered"}, 2),
        ("exporter_exports_total", {"outcome": "dead_lettered"}, 1),
        ("exporter_attempts_total", {"status_class": "5xx"}, 3),
        ("exporter_attempts_total", {"status_class": "no_answer"}, 1),
        ("exporter_attempts_total", {"status_class": "2xx"}, 0),
        ("exporter_retries_total", {}, 1),
        ("exporter_token_fetches_total", {"outcome": "refused"}, 1),
        ("exporter_attempt_seconds_bucket", {"le": "0.1"}, 0),
        ("exporter_attempt_seconds_bucket", {"le": "0.25"}, 1),
        ("exporter_latency_seconds_bucket", {"le": "900.0"}, 0),
        ("exporter_latency_seconds_bucket", {"le": "3600.0"}, 1),
        ("exporter_latency_seconds_sum", {}, 1800),
    ]:
        assert value(metrics, name, destination="crm", **labels) == expected, (name, labels)
    crm_again = metrics.of("crm")
    crm_again.received.inc()
    assert value(metrics, "exporter_events_received_total", destination="crm") == 6, "a reload goes on counting"


def test_gauges_are_asked_at_the_scrape(metrics: Metrics) -> None:
    now = [GAUGES]
    metrics.watch("crm", lambda: now[0])
    assert value(metrics, "exporter_queue_lag", destination="crm") == 500
    assert value(metrics, "exporter_oldest_pending_seconds", destination="crm") == 6.5
    assert value(metrics, "exporter_in_flight", destination="crm") == 3
    assert value(metrics, "exporter_window_events", destination="crm") == 40
    assert value(metrics, "exporter_dead_letters", destination="crm") == 7
    paused = {
        reason: value(metrics, "exporter_paused", destination="crm", reason=reason) for reason in get_args(PauseReason)
    }
    assert len(paused) == 12
    assert {reason for reason, number in paused.items() if number == 1} == {"unreachable", "state"}
    assert set(paused.values()) == {0, 1}
    now[0] = Gauges(0, 0, None, None, frozenset(), 0)
    assert value(metrics, "exporter_queue_lag", destination="crm") is None, "not known is no number"
    assert value(metrics, "exporter_oldest_pending_seconds", destination="crm") is None
    assert value(metrics, "exporter_paused", destination="crm", reason="unreachable") == 0


def test_a_forgotten_destination_leaves_nothing(metrics: Metrics) -> None:
    for name in ("crm", "web"):
        metrics.of(name).received.inc()
        metrics.watch(name, lambda: GAUGES)
    metrics.forget("crm")
    metrics.forget("never seen")
    assert {labels["destination"] for _, labels, _ in samples(metrics)} == {"web"}


def test_two_processes_worth_of_metrics_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.of("crm").received.inc()
    assert list(samples(other)) == []


SECONDS = st.sampled_from([0.0, *ATTEMPT_BUCKETS]) | st.floats(0, 1e6)


@given(st.lists(SECONDS), st.lists(st.integers(0, 10_000)))
def test_plain_numbers_show_as_the_librarys_own_do(observed: list[float], counts: list[int]) -> None:
    name = "exporter_attempt_seconds"
    registry = prometheus_client.CollectorRegistry()
    histogram = prometheus_client.Histogram(
        name, DESTINATION[name].meaning, ["destination"], buckets=ATTEMPT_BUCKETS, registry=registry
    ).labels("crm")
    exports = "exporter_exports"
    meaning, labels = DESTINATION[exports].meaning, ["destination", "outcome"]
    counter = prometheus_client.Counter(exports, meaning, labels, registry=registry)
    delivered, _ = counter.labels("crm", "delivered"), counter.labels("crm", "dead_lettered")
    metrics = Metrics()
    plain = metrics.of("crm")
    for seconds in observed:
        histogram.observe(seconds)
        plain.attempt_seconds.observe(seconds)
    for count in counts:
        delivered.inc(count)
        plain.delivered.inc(count)
    of_the_library = prometheus_client.generate_latest(registry).decode().splitlines()
    expected = [line for line in of_the_library if "_created" not in line]
    lines = [
        line for line in generate_latest(metrics.registry).decode().splitlines() if name in line or exports in line
    ]
    assert sorted(lines) == sorted(expected)


def test_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(seconds)
    assert histogram.cumulative() == [2, 4, 5]
    assert histogram.sum == 7.5


def test_a_counter_counts_by_one_or_more() -> None:
    counter = Counter()
    counter.inc()
    counter.inc(5)
    assert counter.value == 6


def test_one_destination_has_one_set_of_numbers_until_it_is_forgotten(metrics: Metrics) -> None:
    before = metrics.of("crm")
    before.delivered.inc()
    assert metrics.of("crm") is before
    assert metrics.of("web") is not before
    metrics.forget("crm")
    assert value(metrics, "exporter_exports_total", destination="crm", outcome="delivered") is None
    metrics.of("crm")
    assert value(metrics, "exporter_exports_total", destination="crm", outcome="delivered") == 0
    assert metrics.registry.get_sample_value("exporter_retries_total", {"destination": "crm"}) == 0


@pytest.mark.parametrize(("shard", "labels"), [(None, {}), ("1/2", {"shard": "1/2"})])
def test_lost_lines_of_the_log_are_the_process_s(shard: str | None, labels: dict[str, str]) -> None:
    lost = [0]
    metrics = Metrics(lambda: lost[0], shard)
    assert value(metrics, "exporter_log_lines_lost_total", **labels) == 0
    lost[0] = 7
    assert value(metrics, "exporter_log_lines_lost_total", **labels) == 7
