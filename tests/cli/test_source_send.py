"""How ``exporter source send`` takes answers: servers whose every byte is written down here."""

from __future__ import annotations

import asyncio
import json

import pytest
from loopback import repeats, says, serving

from exporter.cli.source.posting import TRIES, DataPlane, NotTaken

INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
SENTENCE = f"inletId: [{INLET}] imsOrgId: [X@AdobeOrg] The intake is full"


def answer(status: int, body: object, *headers: str) -> bytes:
    text = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + text


BUSY = answer(503, {"report": {"message": SENTENCE}}, "Retry-After: 0")


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


@pytest.mark.parametrize("body", [[], {}, {"responses": []}, {"responses": {}}, {"responses": [3]}])
async def test_an_answer_that_is_none_of_the_way_in(body: object) -> None:
    async with serving(repeats(answer(207, body))) as server:
        with pytest.raises(NotTaken, match="answers no element for each record"):
            await post(server.url(), b"{}")
