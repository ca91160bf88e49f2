"""A daemon that stands still for longer than its deadlines, by real SIGSTOP and SIGCONT: what came meanwhile counts."""

from __future__ import annotations

import http.server
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from events import Source
from harness import Place
from processes import eventually

TIMEOUT_SECONDS = 2.0
PROMPT = 300
TOKEN = b'{"access_token": "t-1", "token_type": "bearer", "expires_in": 3600}'


class Holding(http.server.ThreadingHTTPServer):
    """Answers so many requests soon, by which the daemon comes to have many in flight; holds others until released."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, prompt: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prompt = prompt
        self.lock = threading.Lock()
        self.heard: Counter[str] = Counter()
        self.held = 0
        self.answered = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Holding

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"] or "token"
        with self.server.lock:
            self.server.heard[key] += 1
            holds = self.server.heard.total() > self.server.prompt
            self.server.held += holds
        if holds:
            self.server.released.wait()
        else:
            time.sleep(0.02)
        body = TOKEN if key == "token" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with self.server.lock:
            self.server.answered += 1

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def holding(prompt: int) -> Iterator[Holding]:
    with Holding(prompt) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("transport", ["lean", "aiohttp"])
def test_answers_that_wait_in_the_sockets_are_read_before_deadlines_are_judged(tmp_path: Path, transport: str) -> None:
    with holding(PROMPT) as server, Place(tmp_path) as place:
        place.destination("crm", server.url, delivery={"timeout": TIMEOUT_SECONDS, "transport": transport})
        place.write()
        source = Source(profiles=1_000)
        place.publish(source.make(1_000))
        daemon = place.daemon().ready()
        eventually("requests are held", lambda: server.held >= 16)
        daemon.send(signal.SIGSTOP)
        stopped = time.monotonic()
        server.released.set()
        eventually(
            "all are answered, and their deadlines are over",
            lambda: server.answered == server.heard.total() and time.monotonic() > stopped + TIMEOUT_SECONDS + 0.5,
        )
        daemon.send(signal.SIGCONT)
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0

    assert (len(server.heard), server.heard.most_common(1)[0][1]) == (1_000, 1)
    assert not daemon.logs("paused")
    assert not place.dead_letters()


@pytest.mark.parametrize("transport", ["lean", "aiohttp"])
def test_a_token_that_waits_in_its_socket_is_read_before_its_deadline_is_judged(tmp_path: Path, transport: str) -> None:
    with holding(0) as server, Place(tmp_path) as place:
        auth = {"kind": "oauth2_client_credentials", "token_url": server.url, "client_id": "i", "client_secret": "s"}
        place.destination("crm", server.url, auth=auth, delivery={"timeout": TIMEOUT_SECONDS, "transport": transport})
        place.write()
        place.publish(Source(profiles=1).make(1))
        daemon = place.daemon().ready()
        eventually("a token is asked for", lambda: server.held == 1)
        daemon.send(signal.SIGSTOP)
        stopped = time.monotonic()
        server.released.set()
        eventually(
            "the deadline is over", lambda: server.answered and time.monotonic() > stopped + TIMEOUT_SECONDS + 0.5
        )
        daemon.send(signal.SIGCONT)
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0

    assert server.heard["token"] == 1
    assert not daemon.logs("paused")


def test_answers_that_wait_in_the_sockets_are_read_before_the_end_of_a_drain(tmp_path: Path) -> None:
    with holding(0) as server, Place(tmp_path) as place:
        place.destination("crm", server.url, delivery={"timeout": 60})
        place.config["drain"] = TIMEOUT_SECONDS
        place.write()
        place.publish(Source(profiles=1).make(1))
        daemon = place.daemon().ready()
        eventually("a request is held", lambda: server.held == 1)
        daemon.send(signal.SIGTERM)
        eventually("it drains", lambda: daemon.logs("stopping"))
        daemon.send(signal.SIGSTOP)
        stopped = time.monotonic()
        server.released.set()
        eventually("the drain is over", lambda: server.answered and time.monotonic() > stopped + TIMEOUT_SECONDS + 0.5)
        daemon.send(signal.SIGCONT)
        assert daemon.wait() == 0
        assert not daemon.logs("drain ended early")
        assert place.settled("crm")
