"""421: the server serves other names on this connection, so that the retry goes to another (RFC 9110 §15.5.20)."""

from __future__ import annotations

from loopback import OK, Peer, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer


async def test_a_connection_that_is_misdirected_is_not_used_again(opening: Opening) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK if peer.number == 2 else OK.replace(b"200 OK", b"421 Misdirected Request"))

    async with serving(script) as server, opening(timeout_seconds=LONG, concurrency=1) as opened:
        outcomes = [await opened.send(post(server.url())) for _ in range(4)]

    assert [outcome.status for outcome in outcomes if isinstance(outcome, Answer)] == [421, 200, 200, 200]
    assert [heard.connection for heard in server.heard] == [1, 2, 2, 2]
