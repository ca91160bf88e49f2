"""Attempts over the ops port and its socket: who may see them, in which lines, and what a slow reader loses."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from exporter.daemon.ops import attempts
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.attempt_lines import BODY_BYTES, MOST_BYTES, MOST_LINES, Lines
from exporter.daemon.ops.attempts import OwnAttempts
from exporter.daemon.ops.document import document
from exporter.daemon.ops.local_socket import serve_locally
from exporter.daemon.ops.port import serve
from exporter.sections.section import Secret
from exporter.telemetry.attempts import Attempt, Attempts
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, Health

TOKEN = "let-me-see"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ATTEMPT = Attempt(1.5, "crm", "e1", "p1", 2, "retry", 503, 4.2, "HTTP 503", retry_seconds=15.0, answer="come back")


class Watched:
    """A desk whose attempts the test makes."""

    def __init__(self) -> None:
        self.attempts = Attempts()
        self.attempts.of("crm")
        self.own = OwnAttempts(self.attempts, lambda: ["crm", "other"])
        self.log = io.StringIO()
        log = configure(self.log, False)
        self.desk = Desk(
            Metrics(), lambda: Health(True), lambda: document(0.0, ConfigStatus(), ()), log, attempts=self.own
        )

    def note(self, attempt: Attempt = ATTEMPT, body: bytes = b'{"a":1}') -> None:
        self.attempts.of(attempt.destination).note(attempt, body)

    async def watched(self) -> None:
        """Wait until somebody watches."""
        async with asyncio.timeout(30):
            while not self.attempts.of("crm").every:  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.005)


@asynccontextmanager
async def port(watched: Watched, token: str | None = TOKEN) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve("127.0.0.1", 0, watched.desk, None if token is None else Secret(token)) as number,
        aiohttp.ClientSession(f"http://127.0.0.1:{number}", timeout=aiohttp.ClientTimeout(30)) as session,
    ):
        yield session


async def lines_of(answer: aiohttp.ClientResponse, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < number:
        line = await answer.content.readline()
        assert line, found
        if line.strip():
            found.append(json.loads(line))
    return found


async def test_the_port_shows_attempts_to_who_has_the_token_alone() -> None:
    watched = Watched()
    async with port(watched) as session:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            (BEARER | {"Origin": "https://elsewhere.example"}, 403),
            (BEARER | {"Host": "rebound.example"}, 403),
        ):
            async with session.get("/attempts", headers=headers) as answer:
                assert answer.status == status
                assert TOKEN not in await answer.text()
        async with session.post("/attempts", headers=BEARER) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        async with session.get("/attempts", headers=BEARER) as answer:
            assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
    async with port(watched, token=None) as session, session.get("/attempts", headers=BEARER) as answer:
        assert answer.status == 403
        assert "ops.token" in await answer.text()


async def test_the_socket_needs_no_token(tmp_path: Path) -> None:
    watched = Watched()
    path = tmp_path / "d.sock"
    async with (
        serve_locally([path], watched.desk),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.get("http://daemon/attempts?destination=crm") as answer,
    ):
        assert path.stat().st_mode & 0o777 == 0o600
        watched.note()
        [line] = await lines_of(answer, 1)
    assert line == {
        "at": 1.5,
        "destination": "crm",
        "event": "e1",
        "profileId": "p1",
        "attempt": 2,
        "outcome": "retry",
        "status": 503,
        "milliseconds": 4.2,
        "failure": "HTTP 503",
        "reason": None,
        "retrySeconds": 15.0,
        "replay": False,
        "answer": None,
    }


async def test_bodies_and_answers_are_shown_on_demand_alone_and_the_log_says_so() -> None:
    watched = Watched()
    async with (
        port(watched) as session,
        session.get("/attempts", headers=BEARER) as without,
        session.get("/attempts?bodies=1", headers=BEARER) as with_bodies,
    ):
        watched.note(body=b'{"person": {\n "name": "Jane", "id": 12345678901234567890123 }}')
        watched.note(body=b'"' + b"x" * BODY_BYTES + b'"')
        watched.note(body=b"no JSON")
        assert all("body" not in line for line in await lines_of(without, 3))
        whole, long, odd = await lines_of(with_bodies, 3)
    assert whole["body"] == {"person": {"name": "Jane", "id": 12345678901234567890123}}
    assert whole["answer"] == "come back"
    assert (long["body"], long["bodyBytes"]) == (None, BODY_BYTES + 2)
    assert (odd["body"], odd["bodyBytes"]) == (None, 7)
    [line] = [json.loads(line) for line in watched.log.getvalue().splitlines()]
    assert (line["event"], line["by"], line["destination"]) == ("bodies shown", "token", None)
    assert "Jane" not in watched.log.getvalue()


async def test_a_destination_is_asked_for_by_its_name() -> None:
    watched = Watched()
    async with port(watched) as session:
        async with session.get("/attempts?destination=crn", headers=BEARER) as answer:
            assert answer.status == 404
            assert "did you mean crm" in (await answer.json())["error"]
        async with session.get("/attempts?destination=other", headers=BEARER) as answer:
            watched.note()
            watched.note(msgspec.structs.replace(ATTEMPT, destination="other"))
            [line] = await lines_of(answer, 1)
    assert line["destination"] == "other"


async def test_what_is_kept_can_be_had_at_once_and_is_a_look() -> None:
    watched = Watched()
    for event in ("first", "second"):
        watched.note(msgspec.structs.replace(ATTEMPT, event_id=event))
    async with port(watched) as session:
        async with session.get("/attempts?destination=crm&follow=0", headers=BEARER) as answer:
            lines = [json.loads(line) for line in (await answer.text()).splitlines()]
        async with session.get("/attempts?destination=crm&follow=0&bodies=1", headers=BEARER) as answer:
            assert json.loads((await answer.text()).splitlines()[0])["answer"] == "come back"
        async with session.get("/attempts?follow=0", headers=BEARER) as answer:
            assert answer.status == 400
    assert [(line["event"], line["answer"]) for line in lines] == [("first", None), ("second", None)]
    assert watched.attempts.of("crm").every


async def test_the_last_line_says_that_the_daemon_has_stopped() -> None:
    watched = Watched()
    async with port(watched) as session, session.get("/attempts", headers=BEARER) as answer:
        await watched.watched()
        watched.note()
        watched.own.end()
        lines = [json.loads(line) for line in (await answer.text()).splitlines() if line]
    assert [line.get("event", line.get("end")) for line in lines] == ["e1", "the daemon has stopped"]


async def test_who_goes_away_is_watched_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "QUIET_SECONDS", 0.01)
    watched = Watched()
    async with port(watched) as session:
        async with session.get("/attempts", headers=BEARER):
            await watched.watched()
        async with asyncio.timeout(30):
            while watched.attempts.of("crm").every:  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.005)
    assert watched.log.getvalue() == ""


async def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "STUCK_SECONDS", 0.05)
    monkeypatch.setattr(attempts, "REST_SECONDS", 0.0)
    watched = Watched()
    async with port(watched) as session, session.get("/attempts?bodies=1", headers=BEARER):
        await watched.watched()
        body = b'"' + b"x" * 100_000 + b'"'
        async with asyncio.timeout(30):
            while watched.attempts.of("crm").every:
                watched.note(body=body)
                await asyncio.sleep(0.001)


async def test_what_finds_no_room_is_lost_and_counted_where_it_is_missing() -> None:
    lines = Lines(bodies=False)
    for number in range(MOST_LINES + 7):
        lines.take(msgspec.structs.replace(ATTEMPT, event_id=str(number)), b"{}")
    found = [json.loads(line) for line in (await lines.next(0) or b"").splitlines()]
    assert [line.get("event") for line in found] == [*map(str, range(MOST_LINES)), None]
    assert found[-1] == {"lost": 7}
    lines.take(ATTEMPT, b"{}")
    assert [json.loads(line)["event"] for line in (await lines.next(0) or b"").splitlines()] == ["e1"]


async def test_bodies_that_wait_are_bounded_by_their_length() -> None:
    lines = Lines(bodies=True)
    for _ in range(100):
        lines.take(ATTEMPT, b'"' + b"x" * (BODY_BYTES - 2) + b'"')
    text = await lines.next(0) or b""
    assert len(text) < MOST_BYTES + 5000
    assert json.loads(text.splitlines()[-1]) == {"lost": 100 - MOST_BYTES // BODY_BYTES}


async def test_lines_of_another_process_are_passed_on_with_its_losses_but_not_its_end() -> None:
    lines = Lines(bodies=False)
    for line in (b'{"event":"e1"}', b"", b'{"lost":3}', b'{"lost":"x"}', b'{"end":"stopped"}', b'{"event":"e2"}'):
        lines.pass_on(line)
    assert await lines.next(0) == b'{"event":"e1"}\n{"lost":4}\n'
    lines.notice("shard 1/2 has stopped")
    assert await lines.next(0) == b'{"notice":"shard 1/2 has stopped"}\n'
    lines.end("all over")
    assert await lines.next(0) == b'{"end":"all over"}\n'
    assert await lines.next(0) is None


async def test_a_body_that_is_too_long_to_be_shown_does_not_wait_for_the_reader() -> None:
    lines, body = Lines(bodies=True), b"x" * (BODY_BYTES + 1)
    before = sys.getrefcount(body)
    lines.take(ATTEMPT, body)
    assert sys.getrefcount(body) == before
    [line] = (await lines.next(0) or b"").splitlines()
    assert (json.loads(line)["body"], json.loads(line)["bodyBytes"]) == (None, len(body))
