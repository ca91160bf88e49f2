"""What dataflows know of tracing; where tracing is off they have none, and no library is imported."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from exporter.messages.exchange import Outcome, Request
from exporter.messages.export import Export
from exporter.transport.port import Transport


class DestinationTracing(Protocol):
    """The tracing of one destination's attempts."""

    def send(self, request: Request, export: Export, transport: Transport) -> Coroutine[Any, Any, Outcome]:
        """Send ``request`` by ``transport``, which says what is raised, as a span of the trace of ``export``.

        The request is given the header ``traceparent`` of that span. At the first attempt the export is given the trace
        that later ones continue.
        """
        ...


class Tracing(Protocol):
    """The tracing of a process."""

    def of(self, destination: str, endpoint: str, *, passed_on: bool) -> DestinationTracing:
        """The tracing of ``destination``, whose URL is ``endpoint``.

        ``passed_on``: whether requests are given ``traceparent``; not where the configuration sets that header itself.
        """
        ...
