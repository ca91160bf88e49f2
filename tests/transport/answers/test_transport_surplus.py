"""Bytes behind an answer belong to no request: the connection that they came on is never used again."""

from __future__ import annotations

import asyncio

import pytest
from certificates import Authority
from loopback import OK, Peer, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer
from exporter.sections.tls import Tls

REFUSED = b"HTTP/1.1 500 Broken\r\nContent-Length: 4\r\n\r\nnope"
REFUSED_IN_CHUNKS = b"HTTP/1.1 500 Broken\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n"
REFUSED_WITHOUT_BODY = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
EVENTS = 20


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("answer", [REFUSED, REFUSED_IN_CHUNKS, REFUSED_WITHOUT_BODY], ids=["length", "chunks", "none"])
@pytest.mark.parametrize("cut", [0, 10, "head", -3, -1])
@pytest.mark.parametrize("surplus", [OK, b"\r\n" + OK, OK[:20]], ids=["an answer", "an empty line", "a part"])
async def test_is_no_answer_to_the_next_request(
    opening: Opening, authority: Authority, scheme: str, answer: bytes, cut: int | str, surplus: bytes
) -> None:
    at = answer.index(b"\r\n\r\n") + 4 if isinstance(cut, str) else cut % len(answer)
    if at == len(answer):
        at -= 1  # whole, it would be over before the rest comes, and what comes later may answer the next

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            if at:
                await peer.send(answer[:at])
                await asyncio.sleep(0.002)  # it is read by itself
            await peer.send(answer[at:] + surplus)

    tls = authority.server_context(authority.sign("127.0.0.1")) if scheme == "https" else None
    async with (
        serving(script, tls=tls) as server,
        opening(timeout_seconds=LONG, tls=Tls(ca_file=authority.certificate)) as opened,
    ):
        outcomes = [await opened.send(post(server.url(scheme=scheme))) for _ in range(EVENTS)]

    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answer)] == [500] * EVENTS
    assert [heard.connection for heard in server.heard] == list(range(1, EVENTS + 1))


async def test_of_many_at_once_none_is_taken_for_delivered(opening: Opening) -> None:
    at = REFUSED.index(b"\r\n\r\n") + 4

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(REFUSED[:at])
            await asyncio.sleep(0)
            await peer.send(REFUSED[at:] + OK + OK)

    async with serving(script) as server, opening(timeout_seconds=LONG, concurrency=4) as opened:

        async def some() -> list[object]:
            return [await opened.send(post(server.url())) for _ in range(EVENTS)]

        outcomes = [outcome for each in await asyncio.gather(*(some() for _ in range(4))) for outcome in each]

    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answer)] == [500] * 4 * EVENTS


async def test_that_waits_in_the_socket_is_seen_before_the_next_request(opening: Opening) -> None:
    """It came by itself, and the event loop has not turned since."""
    peers: list[Peer] = []

    async def script(peer: Peer) -> None:
        peers.append(peer)
        while True:
            await peer.request()
            await peer.send(REFUSED)

    async with serving(script) as server, opening(timeout_seconds=LONG, concurrency=1) as opened:
        outcomes = []
        for _ in range(EVENTS):
            outcomes.append(await opened.send(post(server.url())))
            # No turn of the loop: asyncio and uvloop write what they can at once.
            peers[-1].writer.write(OK)

    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answer)] == [500] * EVENTS
    assert [heard.connection for heard in server.heard] == list(range(1, EVENTS + 1))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
