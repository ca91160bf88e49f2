"""An attempt as a span: whose trace it continues, what it says, and what the request carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.telemetry.tracing.spans import DestinationSpans, continued, trace_of

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01", f"00-{TRACE_ID}-{SPAN_ID}-00"

REQUEST = Request("https://user.example/p?key=hunter2", (("Authorization", "Bearer hunter2"),), (("a", "b"),), b"body")


class Endpoint:
    """A transport that answers with ``outcome``, or raises it."""

    def __init__(self, outcome: Outcome | BaseException) -> None:
        self.outcome = outcome
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Outcome:
        self.requests.append(request)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    @property
    def headers(self) -> list[dict[str, str]]:
        return [dict(request.own) for request in self.requests]


class Traced:
    """A destination's spans, kept in memory."""

    def __init__(self, sample: float = 1.0, *, passed_on: bool = True) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(sample)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        url = "https://crm.example:8443/hooks/hunter2?key=hunter2"
        self.spans = DestinationSpans(provider.get_tracer("t"), "crm", url, passed_on=passed_on)

    async def attempt(self, export: Export, outcome: Outcome | BaseException) -> Mapping[str, str]:
        """The headers of the request of the next attempt."""
        export.attempts += 1
        endpoint = Endpoint(outcome)
        try:
            assert await self.spans.send(REQUEST, export, endpoint) is outcome
        except BaseException as error:
            if error is not outcome:
                raise
        [sent] = endpoint.requests
        assert (sent.url, sent.fixed, sent.body) == (REQUEST.url, REQUEST.fixed, REQUEST.body)
        assert sent.own[:1] == REQUEST.own
        return dict(sent.own)

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._kept.get_finished_spans()


def export_of(trace: Trace | None = None, **more: Any) -> Export:
    event = {"profileId": "profile-hunter2", "profile": {"a": "hunter2"}, **more}
    message = Message("0", 7, json.dumps(event).encode(), 0.0, trace=trace)
    return Export(message, "profile-hunter2", "event", "crm:event", "0-7", b"hunter2", 0.0)


def parent_of(span: ReadableSpan) -> str:
    """The ``traceparent`` of a request sent within this span."""
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


OK = Answer(200, {}, b"hunter2")


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID.upper()}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"0-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID[1:]}-{SPAN_ID}-01",
        f"00-{TRACE_ID[1:]}g-{SPAN_ID}-01",
        "x" * 100_000,
        "\ud83d",
    ],
)
def test_what_is_no_traceparent_is_not_continued(parent: str) -> None:
    assert continued(Trace(parent)) is None


@pytest.mark.parametrize("parent", [SAMPLED, UNSAMPLED, f"cc-{TRACE_ID}-{SPAN_ID}-01-what-will-be", f" {SAMPLED}\t"])
def test_a_traceparent_is_continued_also_of_a_later_version(parent: str) -> None:
    assert continued(Trace(parent)) is not None
    assert continued(Trace(parent, "no state at all,,=")) is not None


def test_the_events_own_trace_comes_before_the_one_beside_it_unless_it_is_none() -> None:
    beside = Trace(f"00-{TRACE_ID}-{SPAN_ID}-00")
    assert trace_of(export_of(beside, traceparent=SAMPLED).message) == Trace(SAMPLED)
    assert trace_of(export_of(beside, traceparent="nonsense").message) == beside
    assert trace_of(export_of(beside).message) == beside
    assert trace_of(export_of(Trace("nonsense")).message) is None
    assert trace_of(export_of().message) is None


async def test_each_attempt_is_a_span_of_the_events_trace_and_the_request_names_it() -> None:
    traced, export = Traced(sample=0), export_of(traceparent=SAMPLED, tracestate="vendor=1")
    first = await traced.attempt(export, NoAnswer("timed out"))
    second = await traced.attempt(export, OK)
    one, two = traced.ended
    assert [first["traceparent"], second["traceparent"]] == [parent_of(one), parent_of(two)]
    assert [first["tracestate"], second["tracestate"]] == ["vendor=1", "vendor=1"]
    for span in (one, two):
        assert f"{span.context.trace_id:032x}" == TRACE_ID
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == SPAN_ID
    assert [dict(span.attributes or {})["exporter.attempt"] for span in (one, two)] == [1, 2]


async def test_a_span_says_what_came_of_it_and_nothing_of_whom_or_of_secrets() -> None:
    traced = Traced()
    await traced.attempt(export_of(), OK)
    [span] = traced.ended
    assert (span.name, span.kind, span.status.status_code) == ("POST crm", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "exporter.destination": "crm",
        "exporter.attempt": 1,
        "exporter.position": "0-7",
        "exporter.outcome": "answer",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "crm.example",
        "server.port": 8443,
    }
    assert "hunter2" not in span.to_json()


@pytest.mark.parametrize(
    ("outcome", "said", "detail"),
    [
        (Answer(503, {}, b""), {"http.response.status_code": 503, "error.type": "503"}, None),
        (Answer(302, {}, b""), {"http.response.status_code": 302, "error.type": "302"}, None),
        (NoAnswer("timed out"), {"exporter.outcome": "no_answer", "error.type": "no_answer"}, "timed out"),
        (Unreachable("refused"), {"exporter.outcome": "unreachable", "error.type": "unreachable"}, "refused"),
        (KeyboardInterrupt("hunter2"), {"exporter.outcome": "cut", "error.type": "cut"}, "KeyboardInterrupt"),
    ],
)
async def test_a_failure_is_one(outcome: Outcome | BaseException, said: dict[str, Any], detail: str | None) -> None:
    traced, export = Traced(), export_of()
    export.attempts = 2
    await traced.attempt(export, outcome)
    [span] = traced.ended
    assert said.items() <= dict(span.attributes or {}).items()
    assert dict(span.attributes or {})["http.request.resend_count"] == 2
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, detail)
    assert "hunter2" not in span.to_json()


async def test_an_event_without_a_trace_begins_one_which_its_later_attempts_continue() -> None:
    traced, export = Traced(), export_of(traceparent="nonsense")
    headers = [await traced.attempt(export, NoAnswer("x")) for _ in range(3)]
    first, *later = traced.ended
    assert first.parent is None
    assert [span.parent and span.parent.span_id for span in later] == [first.context.span_id] * 2
    assert len({span.context.trace_id for span in traced.ended}) == 1
    assert [each["traceparent"] for each in headers] == [parent_of(span) for span in traced.ended]
    assert not any("tracestate" in each for each in headers)
    await traced.attempt(export_of(), OK)
    assert traced.ended[-1].context.trace_id != first.context.trace_id


async def test_what_is_not_sampled_is_continued_and_makes_no_span() -> None:
    traced, export = Traced(sample=1), export_of(traceparent=UNSAMPLED)
    headers = await traced.attempt(export, OK)
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, int(flags, 16) & 1) == ("00", TRACE_ID, 0)
    assert len(span_id) == 16
    never = Traced(sample=0)
    export = export_of()
    once, again = [(await never.attempt(export, OK))["traceparent"] for _ in range(2)]
    assert once.split("-")[1] == again.split("-")[1]
    assert {int(each.split("-")[3], 16) & 1 for each in (once, again)} == {0}
    assert traced.ended == never.ended == ()


async def test_a_header_of_the_configuration_is_not_sent_twice() -> None:
    traced = Traced(passed_on=False)
    assert "traceparent" not in await traced.attempt(export_of(traceparent=SAMPLED), OK)
    assert f"{traced.ended[0].context.trace_id:032x}" == TRACE_ID


async def test_a_library_that_is_switched_off_costs_only_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    traced = Traced()
    assert await traced.attempt(export_of(), OK) == {"a": "b"}
    assert traced.ended == ()
