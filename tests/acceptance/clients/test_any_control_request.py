"""Whatever is sent to the control plane has an answer that clients can read, soon; nothing is answered with 500."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from harness import Place
from mutated_requests import KINDS, Ids, Sent, creation, mutated, request
from processes import Daemon
from serving import serve, way_in

from exporter.cli.shared.long_running import logging_to_stderr
from exporter.daemon.serving.parts import open_parts
from exporter.daemon.serving.pipeline import pipeline_of
from exporter.daemon.serving.reports import Reports
from exporter.daemon.serving.routes import routes_of
from exporter.daemon.serving.sender_tokens import SenderTokens
from exporter.dataflow.dependencies import Clock
from exporter.settings.loading.load import Loaded, load
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.wishing import Wishing
from exporter.telemetry.source_metrics import SourceMetrics
from exporter.telemetry.threshold import Threshold

#: What bodies of errors have: the Flow Service's and all that follow it, the gateway's two, and those of tokens.
SHAPES = (
    {"errorCode", "errorMessage", "errorDetails", "status"},
    {"error_code", "message"},
    {"type", "status", "title", "detail"},
    {"error", "error_description"},
)
#: No answer may take longer, however busy the machine is.
SECONDS = 30.0
SEEDS = (1, 2, 3, 4)
EACH = 1000


@asynccontextmanager
async def planes(place: Place) -> AsyncIterator[ControlPlane]:
    """The control plane of a place, in this process, over real stores."""
    loaded = load(place.write(), {})
    assert isinstance(loaded, Loaded)
    settings, clock = loaded.settings, Clock(time.monotonic, time.time)
    with logging_to_stderr(False, Threshold("warning"), {}) as (log, _):
        reports = Reports(SourceMetrics(lambda: 0), log)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            opened = await open_parts(stack, loaded, lambda _: None, log)
            tokens = SenderTokens(tasks, clock, reports.tokens, opened.key)
            now_ms = lambda: int(time.time() * 1000)  # noqa: E731 - what the server has as a method
            pipeline = await pipeline_of(settings, opened, tokens, now_ms, clock, reports)
            wishing = Wishing(opened.intake, pipeline.stamps, settings.serve.hold)
            routes = routes_of(lambda: settings, pipeline, wishing, clock, lambda: settings.serve.port)
            yield ControlPlane(Gateway(None, (), (), settings.serve.sandboxes), routes)
            tokens.close()


def judge(sent: Sent, status: int, content_type: str, body: bytes) -> Any:
    """The answer's JSON. Raises AssertionError where clients could not read it, or it is our fault."""
    told = f"{sent.shown()} -> {status} {body[:600]!r}"
    assert status < 500, told
    if status == 204 or (sent.method == "HEAD" and not body):
        assert body == b"", told
        return None
    if not content_type.endswith("json"):
        assert (status, sent.target.partition("?")[2].count("path=") > 0) == (200, True), told
        return None
    answer = json.loads(body)
    if status >= 400:
        assert set(answer) in SHAPES, told
        assert answer.get("status", status) == status, told
        assert all(isinstance(each, str | int) and str(each) for each in answer.values()), told
        assert len(body) < 20_000, told
    return answer


def sendings(count: int, ids: Ids, chance: Random) -> Iterator[Sent]:
    """So many requests, most of them with something wrong; now and then one object of each kind is made."""
    for number in range(count):
        if number % 100 < len(KINDS):
            yield creation(KINDS[number % 100], ids, chance)
        else:
            sent = request(ids, chance)
            yield mutated(sent, chance) if chance.random() < 0.75 else sent


async def asked(plane: ControlPlane, sent: Sent) -> tuple[int, Any]:
    path, _, query = sent.target.partition("?")

    async def read() -> bytes:
        return sent.body

    headers = {name.lower(): value for name, value in sent.headers.items()}
    head = RequestHead(sent.method, path, query, headers, len(sent.body))
    async with asyncio.timeout(SECONDS):
        answer = await plane.answer(head, read)
    content_type = dict(answer.headers).get("Content-Type", "application/json")
    return answer.status, judge(sent, answer.status, content_type, answer.body)


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_request_in_this_process(tmp_path: Path, seed: int) -> None:
    chance, ids, statuses = Random(seed), Ids(), Counter[int]()
    with Place(tmp_path) as place:
        way_in(place)
        async with planes(place) as plane:
            for sent in sendings(EACH, ids, chance):
                status, answer = await asked(plane, sent)
                ids.note(sent.target, status, answer)
                statuses[status] += 1
    # Otherwise these would be no requests to speak of.
    assert statuses[200] + statuses[201] + statuses[204] > EACH // 5, statuses
    assert {400, 404, 405} <= set(statuses)


class Wire:
    """Requests as bytes on one connection to a process, which is made anew where the process ends it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, sent: Sent) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        target = quote(sent.target, safe="%/?&=:;,@!$'()*+[]{}\"<>^`|\\~-._#")
        lines = [f"{sent.method} {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(sent.body)}"]
        lines += [f"{name}: {value}" for name, value in sent.headers.items()]
        text = "\r\n".join([*lines, "", ""]).encode() + sent.body
        for _ in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), SECONDS)
            try:
                self._socket.sendall(text)
                return self._answer(sent.method)
            except (ConnectionError, EOFError):
                self.close()
        raise AssertionError(f"no answer: {sent.shown()}")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _answer(self, method: str) -> tuple[int, str, bytes]:
        assert self._socket is not None
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        while len(body) < length:
            body += self._more()
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(first.split(" ")[1]), headers.get("content-type", "").partition(";")[0], body

    def _more(self) -> bytes:
        assert self._socket is not None
        if not (more := self._socket.recv(1 << 20)):
            raise EOFError
        return more


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[Daemon, int]]:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        yield serve(place).ready(), place.config["serve"]["api"]["port"]


def test_any_request_over_the_wire(serving: tuple[Daemon, int]) -> None:
    daemon, port = serving
    chance, ids = Random(5), Ids()
    with closing(Wire(port)) as wire:
        for sent in sendings(400, ids, chance):
            status, content_type, body = wire.ask(sent)
            ids.note(sent.target, status, judge(sent, status, content_type, body))
    assert [line for line in daemon.logs() if line["level"] == "error"] == []
    assert "Traceback" not in daemon.log.read_text()
    assert daemon.terminate() == 0
