"""The server of somebody else's page, which hears from it what came of its attempts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from processes import PATIENCE_SECONDS


class Pages(ThreadingHTTPServer):
    """Gives ``page`` at ``/``; ``told`` is what it told, once it did.

    All else it lets ``onward`` answer, a port of this machine, as if the page's name led there by now.
    """

    page = b""
    onward = 0
    told: Mapping[str, Any] | None = None


class _Answering(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(self.server.page)
        else:
            self._onward()

    def do_POST(self) -> None:
        if self.path == "/told":
            self.server.told = json.loads(self._body())
            self.send_response(204)
            self.end_headers()
        else:
            self._onward()

    def do_DELETE(self) -> None:
        self._onward()

    def log_message(self, *_: Any) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _onward(self) -> None:
        lines = [
            self.requestline,
            *(f"{name}: {value}" for name, value in self.headers.items() if name != "Connection"),
        ]
        sent = "\r\n".join([*lines, "Connection: close", "", ""]).encode() + self._body()
        with socket.create_connection(("127.0.0.1", self.server.onward), PATIENCE_SECONDS) as there:
            there.sendall(sent)
            while received := there.recv(65536):
                self.wfile.write(received)


@contextmanager
def serving_page() -> Iterator[Pages]:
    """A server of pages on a free port of 127.0.0.1."""
    with Pages(("127.0.0.1", 0), _Answering) as pages:
        Thread(target=pages.serve_forever, daemon=True).start()
        try:
            yield pages
        finally:
            pages.shutdown()
