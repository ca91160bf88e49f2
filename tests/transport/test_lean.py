"""What is the lean transport's own: how long connections live, where they go, and what an answer's headers are."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from loopback import OK, Peer, repeats, says, serving
from names import Found, at, silence, stand_in, until_asked
from transport_contract import LONG, post

from exporter.messages.exchange import Answer, Unreachable
from exporter.transport.answers.headers import Headers
from exporter.transport.lean import dialling, pool
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import Transport


def lean(timeout_seconds: float = LONG) -> AbstractAsyncContextManager[Transport]:
    return open_transport("lean", TransportOptions(timeout_seconds=timeout_seconds, concurrency=1))


class TestConnections:
    async def test_are_closed_when_they_idle_for_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool, "KEEPALIVE_SECONDS", 0.05)
        async with serving(says(OK)) as server, lean(timeout_seconds=1.0) as transport:
            await transport.send(post(server.url()))
            await asyncio.wait_for(server.hung_up.wait(), LONG)

    async def test_that_was_used_last_is_used_first(self) -> None:
        together = asyncio.Event()

        async def gathers(peer: Peer) -> None:
            await peer.request()
            if peer.server.connections == 2:
                together.set()
            await together.wait()
            await peer.send(OK)
            await repeats()(peer)

        async with serving(gathers) as server, lean() as transport:
            await asyncio.gather(*(transport.send(post(server.url())) for _ in range(2)))
            for _ in range(4):
                await transport.send(post(server.url()))

        assert len({heard.connection for heard in server.heard[2:]}) == 1

    async def test_of_one_origin_do_not_serve_another(self) -> None:
        async with (
            serving(repeats()) as one,
            serving(repeats()) as other,
            lean() as transport,
        ):
            for server in (one, other, one, other):
                assert isinstance(await transport.send(post(server.url())), Answer)

        assert [heard.connection for heard in one.heard + other.heard] == [1, 1, 1, 1]


class TestNames:
    async def test_are_looked_up_once_for_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_up: list[str] = []
        async with serving(repeats()) as server, lean() as transport:

            def counts(host: str) -> Found:
                looked_up.append(host)
                return at(server.port)

            stand_in(monkeypatch, counts)
            outcomes = await asyncio.gather(*(transport.send(post("http://one.test/")) for _ in range(10)))

        assert all(isinstance(outcome, Answer) for outcome in outcomes)
        assert looked_up == ["one.test"]

    async def test_are_looked_up_again_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that moves is followed by the next connection."""
        monkeypatch.setattr(dialling, "DNS_CACHE_SECONDS", 0.0)
        async with (
            serving(says(OK, then="close")) as before,
            serving(repeats()) as after,
            lean() as transport,
        ):
            where = before.port
            stand_in(monkeypatch, lambda _: at(where))
            await transport.send(post("http://moving.test/"))
            where = after.port
            await asyncio.sleep(0.02)  # the end of the first connection arrives
            outcome = await transport.send(post("http://moving.test/"))

        assert isinstance(outcome, Answer)
        assert (len(before.heard), len(after.heard)) == (1, 1)

    async def test_that_has_a_dead_address_is_reached_at_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with serving(repeats()) as server, lean() as transport:
            stand_in(monkeypatch, lambda _: at(server.port, "127.0.0.1", "127.0.0.2"))
            outcomes = [await transport.send(post("http://two.test/")) for _ in range(2)]

        assert all(isinstance(outcome, Answer) for outcome in outcomes)


async def test_closing_ends_a_connection_that_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with silence(monkeypatch) as asked:
        async with asyncio.TaskGroup() as tasks, lean() as transport:
            sending = tasks.create_task(transport.send(post("http://slow.test/")))
            await until_asked(asked, "slow.test")

    assert isinstance(sending.result(), Unreachable)


async def test_an_answer_like_the_last_is_told_from_one_that_begins_or_ends_like_it() -> None:
    """The same bytes are not parsed again, which must never show."""
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno"
    said = [[OK], [OK], [busy], [OK], [OK[:30], OK[30:]], [OK], [OK + b"H"], [OK], [OK, OK], [OK]]
    turns = iter(said)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            for piece in next(turns):
                await peer.send(piece)
                await asyncio.sleep(0.01)

    outcomes = []
    async with serving(script) as server, lean() as transport:
        for _ in said:
            outcomes.append(await transport.send(post(server.url())))
            await asyncio.sleep(0.03)  # what else was said arrives

    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    told = [(answer.status, answer.body, answer.headers.get("retry-after")) for answer in answers]
    assert told == [(503, b"no", "7") if pieces == [busy] else (200, b"ok", None) for pieces in said]
    assert [heard.connection for heard in server.heard] == [1, 1, 1, 1, 1, 1, 1, 2, 2, 3]


class TestHeaders:
    def test_are_those_of_the_answer_itself(self) -> None:
        received = (
            b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\nLink: </a>\r\n\r\n"
            b"HTTP/1.1 429 Slow\r\nX-Empty:\r\nRetry-After: 7 \t\r\nRETRY-AFTER: 8\r\nX-Odd: \xe9\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\nRetry-After: 9\r\nX-Trailer: 1\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nX-Other: 1\r\n\r\n"
        )
        assert Headers(received) == {
            "x-empty": "",
            "retry-after": "7",
            "x-odd": "\xe9",
            "transfer-encoding": "chunked",
        }

    def test_are_known_whatever_is_behind_them(self) -> None:
        assert (
            Headers(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nok\x00\xff")["retry-after"] == "7"
        )
