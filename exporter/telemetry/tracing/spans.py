"""An attempt as a span, in the trace of its event, and that span as the parent of what the endpoint does with it.

The trace that an event names is continued, sampled or not; an event without one begins a trace at the first attempt.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from exporter.messages.exchange import Answer, Header, NoAnswer, Outcome, Request, Unreachable
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.messages.trace import Trace
from exporter.profile.event.trace import traces_in
from exporter.transport.port import Transport

_CONTEXTS = TraceContextTextMapPropagator()
_PORTS = {"http": 80, "https": 443}


def continued(trace: Trace) -> Context | None:
    """The context in which a span continues ``trace``; None where that is none by the rules of W3C Trace Context."""
    values = {"traceparent": trace.parent, **({"tracestate": trace.state} if trace.state else {})}
    context = _CONTEXTS.extract(values, Context())
    return context if get_current_span(context).get_span_context().is_valid else None


def trace_of(message: Message) -> Trace | None:
    """The first trace that can be continued: the event's own, the envelope's, then the one beside the body."""
    beside = () if message.trace is None else (message.trace,)
    return next((trace for trace in (*traces_in(message.body), *beside) if continued(trace) is not None), None)


class DestinationSpans:
    """``DestinationTracing`` by a tracer.

    Spans have nothing of a profile, a body, a token or a URL beyond host and port.
    """

    def __init__(self, tracer: Tracer, destination: str, endpoint: str, *, passed_on: bool) -> None:
        parts = urlsplit(endpoint)
        self._tracer = tracer
        self._name = f"POST {destination}"
        self._passed_on = passed_on
        self._attributes: dict[str, AttributeValue] = {
            "exporter.destination": destination,
            "http.request.method": "POST",
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS[parts.scheme],
        }

    async def send(self, request: Request, export: Export, transport: Transport) -> Outcome:
        """Send the request within a span of its own, whose trace the request carries on."""
        if export.trace is None:
            export.trace = trace_of(export.message)
        span = self._begin(export)
        trace = _trace_at(span)
        if export.trace is None:
            export.trace = trace
        if trace is not None and self._passed_on:
            own: tuple[Header, ...] = (*request.own, ("traceparent", trace.parent))
            if trace.state:
                own = (*own, ("tracestate", trace.state))
            request = msgspec.structs.replace(request, own=own)
        try:
            outcome = await transport.send(request)
        except BaseException as error:
            # Cut off at the end of a drain, or a bug.
            _failed(span, "cut", type(error).__name__)
            raise
        else:
            _tell(span, outcome)
            return outcome
        finally:
            span.end()

    def _begin(self, export: Export) -> Span:
        attributes = {**self._attributes, "exporter.attempt": export.attempts, "exporter.position": export.position}
        if export.attempts > 1:
            attributes["http.request.resend_count"] = export.attempts - 1
        context = None if export.trace is None else continued(export.trace)
        return self._tracer.start_span(self._name, context or Context(), SpanKind.CLIENT, attributes)


def _trace_at(span: Span) -> Trace | None:
    """The trace that a request continues within ``span``."""
    context = span.get_span_context()
    if not context.is_valid:  # the library is switched off by OTEL_SDK_DISABLED
        return None
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return Trace(parent, context.trace_state.to_header())


def _tell(span: Span, outcome: Outcome) -> None:
    match outcome:
        case Answer(status):
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("exporter.outcome", "answer")
            if status >= 300:
                span.set_attribute("error.type", str(status))
                span.set_status(StatusCode.ERROR)
        case NoAnswer(reason):
            _failed(span, "no_answer", reason)
        case Unreachable(reason):
            _failed(span, "unreachable", reason)


def _failed(span: Span, outcome: str, reason: str) -> None:
    span.set_attribute("exporter.outcome", outcome)
    span.set_attribute("error.type", outcome)
    span.set_status(StatusCode.ERROR, reason)
