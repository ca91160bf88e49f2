"""Opens tracing where the configuration wants it; only then the libraries of OpenTelemetry are imported."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from exporter import __version__
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.tracing.port import DestinationTracing, Tracing
from exporter.telemetry.tracing.settings import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

    from exporter.telemetry.tracing.collector import Collector, Spans

#: How long the end waits until the spans that are left are sent.
END_SECONDS: Final = 3.0


@asynccontextmanager
async def open_tracing(section: TracingSettings, metrics: Metrics, log: Log) -> AsyncIterator[Tracing | None]:
    """The tracing of a process, None where it is off; at the end what waits is sent, for ``END_SECONDS`` at most."""
    if (url := section.traces_url) is None:
        yield None
        return
    from exporter.telemetry.tracing.collector import Heard, SpanMetrics, libraries_held_back

    heard = Heard(log)
    with libraries_held_back(heard):
        try:
            provider, collector, spans = _put_together(url, section.sample, log)
        except RuntimeError as error:
            log.warning("nothing is traced", detail=str(error))
            yield None
            return
        heard.deaf = True
        metrics.registry.register(SpanMetrics(metrics, collector, spans))
        try:
            yield _Tracing(provider.get_tracer("exporter", __version__))
        finally:
            await _end(provider, collector)
            if unsent := spans.offered - collector.sent + spans.dropped:
                log.warning("spans were lost", collector=url, spans=unsent)


def _put_together(url: str, sample: float, log: Log) -> tuple[TracerProvider, Collector, Spans]:
    """Raises RuntimeError where the system has no thread left."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    from exporter.telemetry.tracing.collector import Collector, Spans

    name = OTELResourceDetector().detect().attributes.get("service.name") or "exporter"
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(sample)),
        resource=Resource.create({"service.name": name, "service.version": __version__}),
        shutdown_on_exit=False,
    )
    collector = Collector(url, log)
    spans = Spans(collector)
    provider.add_span_processor(spans)
    return provider, collector, spans


class _Tracing:
    """``Tracing`` by a tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def of(self, destination: str, endpoint: str, *, passed_on: bool) -> DestinationTracing:
        from exporter.telemetry.tracing.spans import DestinationSpans

        return DestinationSpans(self._tracer, destination, endpoint, passed_on=passed_on)


async def _end(provider: TracerProvider, collector: Collector) -> None:
    """Send what waits; where the collector is away, or does not answer in time, give up."""
    if collector.failing:
        collector.shutdown()
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # nobody waited so long, and the loop is closed
            loop.call_soon_threadsafe(ended.set)

    # A thread of its own, which does not keep the process: a pool's thread is waited for at the end of the loop.
    with suppress(RuntimeError, TimeoutError):
        threading.Thread(target=end, name="end of tracing", daemon=True).start()
        async with asyncio.timeout(END_SECONDS):
            await ended.wait()
    collector.shutdown()
