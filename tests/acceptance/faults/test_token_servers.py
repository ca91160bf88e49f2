"""A real daemon and a token server that does what real ones do, behind TLS of an authority of its own."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from certificates import Authority
from events import Source
from harness import Place
from processes import Daemon, eventually

from exporter.transport.requests.headers import USER_AGENT

WAIT_SECONDS = 3.0
LIFETIME_SECONDS = 2


@dataclass
class TokenServer:
    """Whose refresh grant is broken, that packs its answers, and that is busy at first."""

    port: int = 0
    #: When it was asked, for what, and by whom.
    asked: list[tuple[float, str, str | None]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    resources: list[str] = field(default_factory=list)
    #: What the endpoint heard, by the token that it came with.
    delivered: list[str] = field(default_factory=list)

    def grant(self, agent: str | None, body: bytes) -> tuple[int, dict[str, str], bytes]:
        form = parse_qs(body.decode())
        [grant] = form["grant_type"]
        self.resources = [value for name, value in parse_qsl(body.decode()) if name == "resource"]
        self.asked.append((time.monotonic(), grant, agent))
        if len(self.asked) == 1:
            return 429, {"Retry-After": f"{WAIT_SECONDS:g}"}, b""
        if grant == "refresh_token":
            return 500, {}, b"<html>no such session</html>"
        token = f"hunter2-{len(self.asked)}"
        self.tokens.add(token)
        answer = {
            "access_token": token,
            "token_type": "BearerToken",
            "expires_in": LIFETIME_SECONDS,
            "refresh_token": "hunter2-dead",
        }
        return 201, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(answer).encode())

    def take(self, authorization: str | None) -> tuple[int, dict[str, str], bytes]:
        token = (authorization or "").removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {}, b""
        self.delivered.append(token)
        return 204, {}, b""


@contextmanager
def serving(server: TokenServer, tls: Any = None) -> Iterator[int]:
    """Serve ``/token`` and the endpoint on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/token"):
                status, headers, answer = server.grant(self.headers["User-Agent"], body)
            else:
                status, headers, answer = server.take(self.headers["Authorization"])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # the daemon hangs up when it ends

    listening = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield listening.server_port
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.mark.parametrize("transport", ["lean", "aiohttp"])
def test_nothing_is_lost_or_stuck(tmp_path: Path, transport: str) -> None:
    authority = Authority(tmp_path)
    server = TokenServer()
    tls = authority.server_context(authority.sign("127.0.0.1"))
    with serving(server, tls) as tokens, serving(server) as endpoint, Place(tmp_path) as place:
        auth = {
            "kind": "oauth2_client_credentials",
            "token_url": f"https://127.0.0.1:{tokens}/token?tenant=7&api-version=1",
            "client_id": "exporter",
            "client_secret": "hunter2",
            "extra": {"resource": ["https://a.example", "https://b.example"]},
            "tls": {"ca_file": str(authority.certificate)},
        }
        url = f"http://127.0.0.1:{endpoint}/profiles"
        place.destination("crm", url, auth=auth, delivery={"transport": transport, "concurrency": 4})
        place.write()
        source = Source(profiles=10)
        place.publish(source.make(20))
        daemon = place.daemon().ready()
        eventually("the first are delivered", lambda: daemon.alive() and len(server.delivered) == 20)
        eventually("tokens are renewed", lambda: _renewed(place, source, server, 4, daemon))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert place.dead_letters() == []
        assert not daemon.paused("crm")
        daemon.terminate()

        grants = [grant for _, grant, _ in server.asked]
        assert server.asked[1][0] - server.asked[0][0] >= WAIT_SECONDS
        assert grants[:3] == ["client_credentials", "client_credentials", "refresh_token"]
        assert "refresh_token refresh_token" not in " ".join(grants)
        assert {agent for _, _, agent in server.asked} == {USER_AGENT}
        assert server.resources == ["https://a.example", "https://b.example"]
        noted = "the token endpoint names the token_type BearerToken; its token is presented as Bearer"
        assert [entry["detail"] for entry in daemon.logs("odd token")] == [noted]
        reasons = {entry["reason"] for entry in daemon.logs("paused")}
        assert reasons == {"token_endpoint"}
        details = {entry["detail"] for entry in daemon.logs("token fetch failed")}
        assert details == {"HTTP 429, with Retry-After", "HTTP 500"}
        assert "hunter2" not in daemon.log.read_text()


def _renewed(place: Place, source: Source, server: TokenServer, count: int, daemon: Daemon) -> bool:
    """One more event, so that somebody wants a token; whether there were so many by now."""
    place.publish(source.make(1))
    return daemon.alive() and len(server.tokens) >= count
