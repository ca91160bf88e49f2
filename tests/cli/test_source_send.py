"""How ``exporter source send`` takes answers: servers whose every byte is written down here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import repeats, says, serving

from exporter.cli.source.posting import TRIES, DataPlane, NotTaken

INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
SENTENCE = f"inletId: [{INLET}] imsOrgId: [X@AdobeOrg] The intake is full"


def answer(status: int, body: object, *headers: str) -> bytes:
    text = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + text


def reported(status: int, message: str, *headers: str, **beside: object) -> bytes:
    return answer(status, {"report": {"message": message, **beside}}, *headers)


BUSY = reported(503, SENTENCE, "Retry-After: 0")


async def post(url: str, *records: bytes) -> dict[int, str]:
    plane = DataPlane(url.rstrip("/"), INLET, "a-flow", "hunter2")
    assert INLET not in repr(plane)
    assert "hunter2" not in repr(plane)
    return dict(await asyncio.to_thread(plane.post, records))


async def test_what_is_answered_429_and_503_is_sent_again() -> None:
    slow = answer(429, {}, "Retry-After: 0")
    element = {"xactionId": "1-1", "status": 400, "message": SENTENCE.replace("The intake is full", "No")}
    done = answer(207, {"responses": [{"xactionId": "1:0"}, element]})
    async with serving(says(slow), says(BUSY), says(done)) as server:
        assert await post(server.url(), b'{"id":1}', b'{"id":2}') == {1: "No"}
    assert [heard.body for heard in server.heard] == [b'{"messages":[{"id":1},{"id":2}]}'] * 3
    assert server.heard[0].line == f"POST /collection/batch/{INLET} HTTP/1.1"
    assert server.heard[0].header("x-adobe-flow-id") == "a-flow"
    assert server.heard[0].header("Authorization") == "Bearer hunter2"


async def test_an_intake_that_stays_full_is_told_of_without_the_inlet() -> None:
    async with serving(repeats(BUSY)) as server:
        with pytest.raises(NotTaken) as refused:
            await post(server.url(), b"{}")
    assert len(server.heard) == TRIES
    assert str(refused.value) == f"{server.url().rstrip('/')} answers 503: The intake is full"


async def test_an_overload_that_is_answered_500_is_sent_again_and_another_500_is_not() -> None:
    done = answer(207, {"responses": [{"xactionId": "1:0"}]})
    async with serving(says(reported(500, SENTENCE, "Retry-After: 0")), says(done)) as server:
        assert await post(server.url(), b"{}") == {}
    async with serving(repeats(reported(500, SENTENCE))) as server:
        with pytest.raises(NotTaken, match="answers 500: The intake is full"):
            await post(server.url(), b"{}")
    assert len(server.heard) == 1


async def test_a_record_that_is_validated_before_the_answer() -> None:
    cause = {"causingExceptions": [], "pointerToViolation": "#/a", "message": "expected type: String, found: Integer"}
    whole = {"causingExceptions": [cause, {**cause, "pointerToViolation": "#/b"}], "pointerToViolation": "#"}
    invalid = SENTENCE.replace("The intake is full", "Message is invalid")
    refused = reported(400, invalid, cause={"_streamingValidation": [whole]})
    taken = answer(200, {"xactionId": "1-1", "syncValidation": {"status": "pass"}})
    async with serving(says(refused), says(BUSY), says(taken), says(reported(404, "No"))) as server:
        plane = DataPlane(server.url().rstrip("/"), INLET, None)
        reason = await asyncio.to_thread(plane.post_validated, b'{"id":1}')
        assert reason == (
            "Message is invalid; #/a: expected type: String, found: Integer; #/b: expected type: String, found: Integer"
        )
        assert await asyncio.to_thread(plane.post_validated, b'{"id":2}') is None
        with pytest.raises(NotTaken, match="answers 404: No"):
            await asyncio.to_thread(plane.post_validated, b'{"id":3}')
    assert server.heard[0].line == f"POST /collection/{INLET}?syncValidation=true HTTP/1.1"
    assert server.heard[0].header("x-adobe-flow-id") is None
    assert [heard.body for heard in server.heard] == [b'{"id":1}', b'{"id":2}', b'{"id":2}', b'{"id":3}']


@pytest.mark.parametrize("body", [[], {}, {"responses": []}, {"responses": {}}, {"responses": [3]}])
async def test_an_answer_that_is_none_of_the_way_in(body: object) -> None:
    async with serving(repeats(answer(207, body))) as server:
        with pytest.raises(NotTaken, match="answers no element for each record"):
            await post(server.url(), b"{}")


async def test_what_is_refused_is_named_in_the_order_of_the_file_whoever_refused_it(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": 1}\n{"id": 2}\n{"id": 18446744073709551616}\n{"id": 4}\n')
    refusal = {"xactionId": "1-1", "status": 400, "message": SENTENCE.replace("The intake is full", "No")}
    done = answer(207, {"responses": [{"xactionId": "1:0"}, refusal, {"xactionId": "1:2"}]})
    async with serving(says(done)) as server:
        command = [sys.executable, "-m", "exporter", "source", "send", INLET, str(file), "--url", server.url()]
        sent = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
    assert (sent.returncode, sent.stdout) == (1, "2 records taken, 2 refused\n")
    refused = [line for line in sent.stderr.splitlines() if "was refused" in line]
    assert [line.split(": ")[1].removeprefix(f"{file}:") for line in refused] == ["2 was refused", "3 was refused"]
