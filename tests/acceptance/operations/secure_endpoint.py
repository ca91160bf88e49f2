"""An HTTPS endpoint that demands a certificate, and remembers who came: one name for each request."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, _Server)
        assert isinstance(self.connection, ssl.SSLSocket)
        certificate: dict[str, Any] = self.connection.getpeercert() or {}
        names = dict(part[0] for part in certificate.get("subject", ()))
        self.server.names.append(str(names.get("commonName")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.names: list[str] = []

    def handle_error(self, *_: object) -> None:
        """A connection that broke is the exporter's to report."""


class SecureEndpoint:
    """Listens from entering to leaving; ``names`` are the common names that clients presented, request by request."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._server = _Server()
        # The handshake is made in the connection's thread, by its first read.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.names = self._server.names
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/profiles"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
