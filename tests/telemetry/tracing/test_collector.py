"""Spans on their way to a collector: how many wait, what is told of trouble, and how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from prometheus_client import generate_latest
from pydantic import ValidationError
from span_collector import SpanCollector

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.telemetry.logs import Log, configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.tracing import opening
from exporter.telemetry.tracing.collector import MOST_WAITING, why_not_taken
from exporter.telemetry.tracing.opening import open_tracing
from exporter.telemetry.tracing.port import Tracing
from exporter.telemetry.tracing.settings import TracingSettings

REQUEST = Request("http://crm.example/", (), (), b"{}")


@pytest.fixture
def server() -> Iterator[SpanCollector]:
    server = SpanCollector()
    yield server
    server.close()


class Told:
    """The lines of a log."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.log: Log = configure(self._stream, tty=False)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


class Fine:
    async def send(self, request: Request) -> Outcome:
        return Answer(200, {}, b"")


async def attempts(tracing: Tracing | None, count: int = 1) -> None:
    assert tracing is not None
    spans = tracing.of("crm", "http://crm.example/", passed_on=True)
    for number in range(count):
        export = Export(Message("0", number, b"{}", 0.0), "p", "e", "crm:e", f"0-{number}", b"{}", 0.0)
        await spans.send(REQUEST, export, Fine())


def counts(metrics: Metrics) -> dict[str, float]:
    found = {}
    for family in metrics.registry.collect():
        if family.name == "exporter_spans":
            found = {sample.labels["outcome"]: sample.value for sample in family.samples}
    return found


def failures(metrics: Metrics, count: int) -> bool:
    return counts(metrics)["failed"] == count


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not there():  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.01)


def section(url: str | None, sample: float = 1.0) -> TracingSettings:
    return TracingSettings(otlp_endpoint=url, sample=sample)


async def test_off_is_none_and_shows_no_metric() -> None:
    metrics = Metrics()
    async with open_tracing(section(None), metrics, Told().log) as tracing:
        assert tracing is None
    assert counts(metrics) == {}


async def test_what_waits_at_the_end_is_sent(server: SpanCollector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    metrics, told = Metrics(shard="2/4"), Told()
    async with open_tracing(section(server.url), metrics, told.log) as tracing:
        await attempts(tracing, 3)
    assert len(server.spans) == 3
    assert server.heads == [("/v1/traces", "Bearer hunter2")]
    assert server.resource()["service.name"] == "exporter"
    assert counts(metrics) == {"sent": 3, "failed": 0, "dropped": 0}
    assert 'exporter_spans_total{outcome="sent",shard="2/4"} 3.0' in generate_latest(metrics.registry).decode()
    assert told.lines() == []


async def test_the_service_may_have_another_name(server: SpanCollector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "partners")
    async with open_tracing(section(server.url), Metrics(), Told().log) as tracing:
        await attempts(tracing)
    assert server.resource()["service.name"] == "partners"


async def test_samples(server: SpanCollector) -> None:
    async with open_tracing(section(server.url, 0.0), Metrics(), Told().log) as tracing:
        await attempts(tracing, 50)
    assert server.heads == []
    async with open_tracing(section(server.url, 0.5), Metrics(), Told().log) as tracing:
        await attempts(tracing, 400)
    assert 100 < len(server.spans) < 300


async def test_a_refusal_is_one_line_until_it_is_over_and_no_secret(
    server: SpanCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2,hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "hunter2")
    server.status = 401
    metrics, told = Metrics(), Told()
    async with open_tracing(section(server.url), metrics, told.log) as tracing:
        for failed in (1, 2, 3):
            await attempts(tracing)
            await until(partial(failures, metrics, failed))
        server.status = 200
        await attempts(tracing)
        await until(lambda: "spans are sent again" in told.events())
    assert told.events() == ["tracing", "tracing", "spans cannot be sent", "spans are sent again", "spans were lost"]
    *_, cannot, again, lost = told.lines()
    assert (cannot["detail"], again["lost"], lost["spans"]) == ("HTTP 401", 3, 3)
    assert "hunter2" not in told.text
    assert counts(metrics) == {"sent": 1, "failed": 3, "dropped": 0}


async def test_a_collector_that_is_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    metrics, told = Metrics(), Told()
    async with open_tracing(section("http://127.0.0.1:1/otlp"), metrics, told.log) as tracing:
        await attempts(tracing)
        await until(lambda: "spans cannot be sent" in told.events())
        await attempts(tracing)
    assert told.events() == ["spans cannot be sent", "spans were lost"]
    assert told.lines()[0]["detail"] == "ConnectionRefusedError: Connection refused"
    assert told.lines()[1]["spans"] == 2


async def test_a_collector_that_does_not_answer_holds_nothing_up_and_no_more_than_so_many_wait(
    server: SpanCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "END_SECONDS", 0.1)
    server.open.clear()
    metrics, told = Metrics(), Told()
    async with open_tracing(section(server.url), metrics, told.log) as tracing:
        await attempts(tracing)
        await until(server.asked.is_set)
        await attempts(tracing, MOST_WAITING + 10)
        assert counts(metrics) == {"sent": 0, "failed": 0, "dropped": 10}
    assert told.events() == ["spans were lost"]
    assert told.lines()[0]["spans"] == MOST_WAITING + 11


async def test_where_no_thread_can_be_started_nothing_is_traced(
    server: SpanCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told = Told()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        async with open_tracing(section(server.url), Metrics(), told.log) as tracing:
            assert tracing is None
    assert told.events() == ["nothing is traced"]


async def test_the_libraries_log_as_ever_afterwards(server: SpanCollector) -> None:
    async with open_tracing(section(server.url), Metrics(), Told().log):
        assert not logging.getLogger("opentelemetry").propagate
    assert logging.getLogger("opentelemetry").propagate
    assert logging.getLogger("opentelemetry").handlers == []


def test_whether_spans_are_taken_is_found_out_without_any(
    server: SpanCollector, capfd: pytest.CaptureFixture[str]
) -> None:
    assert why_not_taken(f"{server.url}/v1/traces") is None
    assert (len(server.requests), server.spans) == (1, [])
    server.status = 404
    assert why_not_taken(f"{server.url}/v1/traces") == "HTTP 404"
    assert why_not_taken("http://127.0.0.1:1/v1/traces") == "ConnectionRefusedError: Connection refused"
    assert (why_not_taken("http://no.invalid/v1/traces") or "").startswith("gaierror: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, None),
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp", "https://c/otlp/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_where_spans_are_posted(endpoint: str | None, url: str | None) -> None:
    assert section(endpoint).traces_url == url


@pytest.mark.parametrize(
    ("endpoint", "sample"),
    [("http://c?key=hunter2", 1), ("http://u:hunter2@c", 1), ("c:4317", 1), ("http://c", 1.1), ("http://c", -0.1)],
)
def test_what_is_refused(endpoint: str, sample: float) -> None:
    with pytest.raises(ValidationError) as refused:
        section(endpoint, sample)
    assert "hunter2" not in str(refused.value)
