"""The data plane for a listener of another kind: the same answers, without the server."""

from __future__ import annotations

import ast
import asyncio
import gzip
from pathlib import Path

import pytest
from data_plane import LOCKED, OPEN, Intake, taking_of

import exporter.source.collection.checks
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.intake import Kept, Outcome

PATH = f"/collection/{OPEN.id}"


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (RequestHead("POST", PATH), b"{}", 200),
        (RequestHead("POST", f"/collection/batch/{OPEN.id}"), b'{"messages":[{}]}', 207),
        (RequestHead("POST", PATH, "", {"content-encoding": "gzip"}), gzip.compress(b"{}", mtime=0), 200),
        (RequestHead("POST", PATH, length=None), b"x" * 1001, 413),
        (RequestHead("GET", PATH), b"", 405),
        (RequestHead("POST", "/"), b"", 404),
        (RequestHead("POST", f"/collection/{LOCKED.id}"), b"{}", 401),
        (RequestHead("POST", f"/collection/{LOCKED.id}", "", {"authorization": "Bearer fetch-good"}), b"{}", 200),
        (RequestHead("POST", f"/collection/{LOCKED.id}", "", {"authorization": "fetch-away"}), b"{}", 503),
    ],
)
async def test_take(head: RequestHead, body: bytes, status: int) -> None:
    intake = Intake()
    answer = await taking_of(intake, max_body=1000).take(head, body)
    assert answer.status == status
    assert len(intake.kept) == (status in (200, 207))


async def test_a_listener_that_gives_up_on_one_request_leaves_the_others_alone() -> None:
    intake = Intake(holds=True)
    taking = taking_of(intake)
    first = asyncio.create_task(taking.take(RequestHead("POST", PATH), b"{}"))
    await intake.came.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(_outcome(intake))
    await asyncio.sleep(0)
    intake.release()
    assert await second == Kept()


async def _outcome(intake: Intake) -> Outcome:
    return await intake.pending[0]


async def test_take_does_not_wait_for_ever() -> None:
    intake = Intake(holds=True)
    answer = await taking_of(intake, hold_seconds=0.05).take(RequestHead("POST", PATH), b"{}")
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (503, "1")


async def test_so_many_validations_a_minute_and_no_more() -> None:
    seconds = 0.0
    taking = taking_of(Intake(), sync_rate=3.0)
    taking.clock = lambda: seconds

    async def asked(query: str = "syncValidation=true") -> Answer:
        return await taking.take(RequestHead("POST", PATH, query), b"{}")

    assert [(await asked()).status for _ in range(4)] == [200, 200, 200, 429]
    assert dict((await asked()).headers)["Retry-After"] == "20"
    assert (await asked("")).status == 200
    seconds = 20.0
    assert [(await asked()).status for _ in range(2)] == [200, 429]


def test_the_checks_know_no_loop_no_clock_and_no_server() -> None:
    folder = Path(str(exporter.source.collection.checks.__file__)).parent
    beside = ("plane", "stamp", "stamps", "taken")
    files = [*folder.glob("*.py"), *(folder.parent / f"{name}.py" for name in beside)]
    known = "exporter.source.collection"
    allowed = {f"{known}.{name}" for name in beside}
    impure = {"asyncio", "aiohttp", "time", "random", "uuid", "os", "logging", "socket", "threading", "datetime"}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in impure, (file, name)
                if name.startswith("exporter"):
                    assert name in allowed or name.startswith(f"{known}.checks."), (file, name)
