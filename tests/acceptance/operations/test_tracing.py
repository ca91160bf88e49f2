"""Tracing (docs/tracing.md): the real daemon, a real receiver, and a collector that reads what it is sent."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoints import Receiver
from events import Source
from harness import Place
from ports import free_port
from processes import Daemon, eventually
from span_collector import SpanCollector, values_of

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01", f"00-{TRACE_ID}-{SPAN_ID}-00"


@pytest.fixture
def collector() -> Iterator[SpanCollector]:
    collector = SpanCollector()
    yield collector
    collector.close()


def ended(place: Place, daemon: Daemon) -> None:
    """Everything is settled, and the daemon ends as it should."""
    eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
    assert daemon.terminate() == 0


def set_up(place: Place, tracing: dict[str, Any] | None) -> Receiver:
    receiver = place.receiver()
    place.destination("crm", f"{receiver.url}?key=hunter2", delivery={"retries": [0.5, 1, 2, 4, 8, 16]})
    if tracing is not None:
        place.config["tracing"] = tracing
    place.write()
    return receiver


def events(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{**sent.document(), **more} for sent in Source(profiles=count, prefix="hunter2").make(count)]


def test_each_attempt_is_a_span_of_the_events_trace_and_its_request_names_the_span(
    tmp_path: Path, collector: SpanCollector
) -> None:
    with Place(tmp_path) as place:
        receiver = set_up(place, {"otlp_endpoint": collector.url, "sample": 0})
        receiver.control(status=503)
        place.send(events(1, traceparent=SAMPLED))
        daemon = place.daemon(environ={"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20t"}).ready()
        eventually("it was refused once", lambda: daemon.alive() and receiver.counters()["requests"])
        receiver.control(status=200)
        ended(place, daemon)
        requests = receiver.received()

        spans = collector.spans
        assert len(spans) == len(requests) >= 2
        assert {span.trace_id.hex() for span in spans} == {TRACE_ID}
        assert {span.parent_span_id.hex() for span in spans} == {SPAN_ID}
        assert [values_of(span)["exporter.attempt"] for span in spans] == [*range(1, len(spans) + 1)]
        statuses = [values_of(span)["http.response.status_code"] for span in spans]
        assert statuses == [request.status for request in requests] == [*[503] * (len(spans) - 1), 200]
        named = [request.headers["traceparent"] for request in requests]
        assert named == [f"00-{TRACE_ID}-{span.span_id.hex()}-01" for span in spans]
        assert {span.name for span in spans} == {"POST crm"}
        assert set(collector.heads) == {("/v1/traces", "Bearer t")}
        assert collector.resource()["service.name"] == "exporter"
        assert b"hunter2" not in b"".join(request.SerializeToString() for request in collector.requests)


def test_off_adds_nothing(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = set_up(place, None)
        place.send(events(3, traceparent=SAMPLED))
        ended(place, daemon := place.daemon().ready())
        assert [set(request.headers) & {"traceparent", "tracestate"} for request in receiver.received()] == [set()] * 3
        assert daemon.logs("spans were lost") == []


@pytest.mark.parametrize(("sample", "kept"), [(0, 0), (1, 5)])
def test_events_without_a_trace_begin_one_each_which_sample_keeps_or_not(
    sample: int, kept: int, tmp_path: Path, collector: SpanCollector
) -> None:
    with Place(tmp_path) as place:
        receiver = set_up(place, {"otlp_endpoint": collector.url, "sample": sample})
        place.send([*events(5), *events(2, traceparent=UNSAMPLED)])
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        eventually("all was sent", lambda: daemon.metric("exporter_spans_total", "sent") == kept)
        assert daemon.terminate() == 0
        named = [request.headers["traceparent"].split("-") for request in receiver.received()]
        assert len(named) == 7
        assert sorted(trace_id for _, trace_id, _, flags in named if int(flags, 16) & 1) == sorted(
            span.trace_id.hex() for span in collector.spans
        )
        assert len(collector.spans) == kept
        assert [trace_id for _, trace_id, _, _ in named].count(TRACE_ID) == 2


def test_a_collector_that_is_away_costs_a_line_and_no_export(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = set_up(place, {"otlp_endpoint": f"http://127.0.0.1:{free_port()}", "sample": 1})
        place.send(events(200))
        daemon = place.daemon(environ={"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}).ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        eventually("it is said", lambda: daemon.alive() and daemon.logs("spans cannot be sent"))
        place.send(events(200))
        ended(place, daemon)
        assert len(receiver.received()) == 400
        assert len(daemon.logs("spans cannot be sent")) == 1
        [lost] = daemon.logs("spans were lost")
        assert lost["spans"] == 400
        loggers = {line.get("logger", "").partition(".")[0] for line in daemon.logs()}
        assert loggers.isdisjoint({"opentelemetry", "urllib3", "requests"})


def test_a_change_needs_a_restart(tmp_path: Path, collector: SpanCollector) -> None:
    with Place(tmp_path) as place:
        set_up(place, None)
        daemon = place.daemon().ready()
        place.config["tracing"] = {"otlp_endpoint": collector.url}
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("it is refused", lambda: daemon.alive() and daemon.logs("reload refused"))
        [refused] = daemon.logs("reload refused")
        assert (refused["reason"], refused["keys"]) == ("needs a restart", ["tracing"])
        assert daemon.terminate() == 0
