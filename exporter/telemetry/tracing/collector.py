"""The way of spans to the collector: a bounded number waits, and trouble costs spans and a line of the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client.metrics_core import CounterMetricFamily, Metric

from exporter.telemetry.families.process import PROCESS
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Metrics

#: So many spans wait to be sent; more are dropped, and counted.
MOST_WAITING: Final = 2048
_BATCH_SPANS: Final = 512
_DELAY_MS: Final = 1000.0
#: For the batch of `check --connect`, with its retries.
_TRY_SECONDS: Final = 5.0

#: Their lines quote URLs and values of headers, and may come with every batch.
_LIBRARIES: Final = ("opentelemetry", "urllib3")


class _Session(requests.Session):
    """Remembers why the last request failed; takes neither proxies nor passwords from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.failure = ""

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        try:
            response = super().send(request, **how)
        except Exception as error:
            self.failure = _words(error)
            raise
        self.failure = "" if response.ok else f"HTTP {response.status_code}"
        return response


class Collector(SpanExporter):
    """Sends spans to the collector at ``url``, from one thread; tells of the first failure and of its end.

    Attributes:
        handed: spans that were taken to be sent.
        sent: spans that the collector took.
        failed: spans that the collector did not take, whatever the reason.
        failing: whether the last batch failed.
    """

    def __init__(self, url: str, log: Log) -> None:
        self._session = _Session()
        self._exporter: SpanExporter = OTLPSpanExporter(endpoint=url, session=self._session)
        self._url = url
        self._log = log
        self._ended = False
        self._untold = 0  # spans lost since the log told of the trouble
        self.handed = 0
        self.sent = 0
        self.failed = 0
        self.failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans; whether the collector took them."""
        self.handed += len(spans)
        result = SpanExportResult.FAILURE if self._ended else self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
            if self.failing:
                self._log.info("spans are sent again", collector=self._url, lost=self._untold)
            self.failing = False
            self._untold = 0
        else:
            self.failed += len(spans)
            self._untold += len(spans)
            if not self.failing and not self._ended:
                detail = self._session.failure or "the spans could not be written"
                self._log.warning("spans cannot be sent", collector=self._url, detail=detail)
                self.failing = True
        return result

    def shutdown(self) -> None:
        """End the waits between tries at once; what is not sent by now is lost."""
        if not self._ended:
            self._ended = True
            self._exporter.shutdown()


class Spans(SpanProcessor):
    """Spans on their way from the event loop to the collector's thread.

    Attributes:
        offered: sampled spans that have ended and were taken.
        dropped: sampled spans for which there was no room.
    """

    def __init__(self, collector: Collector) -> None:
        """Raises RuntimeError where the system has no thread left."""
        self._collector = collector
        self._batches: SpanProcessor = BatchSpanProcessor(collector, MOST_WAITING, _DELAY_MS, _BATCH_SPANS)
        self.offered = 0
        self.dropped = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Take a sampled span, if there is room for one more."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        # ``offered`` belongs to the event loop and ``handed`` to the thread: at most too few are taken, never too many.
        # The batches would drop the oldest instead, and tell nobody how many.
        if self.offered - self._collector.handed >= MOST_WAITING:
            self.dropped += 1
            return
        self.offered += 1
        self._batches.on_end(span)

    def shutdown(self) -> None:
        """Send what waits, and end the thread. Waits for the collector, up to 30 s."""
        self._batches.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits; whether that was done in time."""
        return self._batches.force_flush(timeout_millis)


class SpanMetrics:
    """Shows in ``metrics`` what became of spans; to be registered there."""

    def __init__(self, metrics: Metrics, collector: Collector, spans: Spans) -> None:
        self._labels = {} if metrics.shard is None else {"shard": metrics.shard}
        self._collector = collector
        self._spans = spans

    def collect(self) -> Iterator[Metric]:
        """The metrics of a scrape."""
        counts = {"sent": self._collector.sent, "failed": self._collector.failed, "dropped": self._spans.dropped}
        told = PROCESS["exporter_spans"]
        family = CounterMetricFamily(told.name, told.meaning, labels=[*told.labels, *self._labels])
        for outcome, count in counts.items():
            family.add_metric([outcome, *self._labels.values()], count)
        yield family


class Heard(logging.Handler):
    """Logs each kind of record once, without the values that it quotes, until it is made ``deaf``.

    So what the libraries say of their settings is told. What they say of a collector later, ``Collector`` says in its
    own words.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._told: set[str] = set()
        self.deaf = False

    def emit(self, record: logging.LogRecord) -> None:
        kind = str(record.msg)
        if not self.deaf and kind not in self._told:
            self._told.add(kind)
            self._log.warning("tracing", detail=kind, logger=record.name)


@contextmanager
def libraries_held_back(heard: logging.Handler) -> Iterator[None]:
    """While entered, ``heard`` alone gets what the libraries log."""
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(heard)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(heard)
            logger.propagate = propagate


def why_not_taken(url: str) -> str | None:
    """Send the collector at ``url`` a batch without spans; why that is not taken, None where it is. Waits for it."""
    session = _Session()
    exporter: SpanExporter = OTLPSpanExporter(endpoint=url, session=session, timeout=_TRY_SECONDS)
    with libraries_held_back(logging.NullHandler()):
        taken = exporter.export(()) is SpanExportResult.SUCCESS
        exporter.shutdown()
    return None if taken else session.failure or "it cannot be asked"


def _words(error: BaseException) -> str:
    """The system's own words where there are any, else the type: the libraries' texts quote URLs."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return f"{type(cause).__name__}: {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
