"""A collector that takes spans by OTLP over HTTP, on a free port of this machine."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SpanCollector:
    """Takes spans; answers with ``status``, and not before ``open`` is set.

    Attributes:
        asked: set once a request came.
        heads: path and ``Authorization`` of each request.
        requests: what was taken.
    """

    def __init__(self) -> None:
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.heads: list[tuple[str, str | None]] = []
        self.requests: list[ExportTraceServiceRequest] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.heads.append((self.path, self.headers["authorization"]))
                server.asked.set()
                server.open.wait()
                if server.status == 200:
                    server.requests.append(ExportTraceServiceRequest.FromString(body))
                try:
                    self.send_response(server.status)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    return

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Answer what is held, and end."""
        self.open.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def spans(self) -> list[Span]:
        """Every span so far, in the order of their beginnings."""
        found = [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def resource(self) -> dict[str, str]:
        """The texts that describe the process in the first request."""
        attributes = self.requests[0].resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in attributes}


def values_of(span: Span) -> dict[str, str | int]:
    """The attributes of a span that are texts and numbers."""
    found: dict[str, str | int] = {}
    for each in span.attributes:
        found[each.key] = each.value.string_value or each.value.int_value
    return found
