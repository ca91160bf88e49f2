"""A kept-alive connection that dies before a byte of the answer came: one resend, and only then."""

from __future__ import annotations

import asyncio

import pytest
from loopback import OK, Peer, Script, repeats, says, serving
from transport_contract import LONG, Opening

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request


def post(url: str, key: str) -> Request:
    return Request(url, (("Content-Type", "application/json"),), (("Idempotency-Key", key),), b'{"a":1}')


def dies_at_second(said: bytes = b"", *, then: str = "close") -> Script:
    """A script: answer one request, read another, say something of an answer, and end."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        if said:
            await peer.send(said)
        if then == "reset":
            peer.reset()

    return script


async def two(opening: Opening, *scripts: Script) -> tuple[object, list[tuple[int, str | None]], int]:
    """Send two requests: the second's outcome, which connection heard which key, and how often one was resent."""
    resent: list[None] = []
    async with (
        serving(*scripts) as server,
        opening(timeout_seconds=LONG, concurrency=4, observe_resend=lambda: resent.append(None)) as transport,
    ):
        assert isinstance(await transport.send(post(server.url(), "a")), Answer)
        outcome = await transport.send(post(server.url(), "b"))
    return outcome, [(heard.connection, heard.header("Idempotency-Key")) for heard in server.heard], len(resent)


@pytest.mark.parametrize("death", ["close", "reset"])
async def test_is_resent_once_on_a_new_connection(opening: Opening, death: str) -> None:
    outcome, heard, resends = await two(opening, dies_at_second(then=death), repeats())

    assert isinstance(outcome, Answer)
    assert heard == [(1, "a"), (1, "b"), (2, "b")]
    assert resends == 1


async def test_is_resent_alike(opening: Opening) -> None:
    async with (
        serving(dies_at_second(), repeats()) as server,
        opening(timeout_seconds=LONG, concurrency=4) as transport,
    ):
        await transport.send(post(server.url(), "a"))
        await transport.send(post(server.url("/p?q=1"), "b"))

    first, second = server.heard[1:]
    assert (first.line, first.body) == (second.line, second.body)
    assert [header for header in second.headers if header[0] != "Connection"] == first.headers


@pytest.mark.parametrize("death", ["close", "reset"])
async def test_is_not_resent_twice(opening: Opening, death: str) -> None:
    outcome, heard, resends = await two(opening, dies_at_second(then=death), says(then=death), repeats())

    assert isinstance(outcome, NoAnswer)
    assert heard == [(1, "a"), (1, "b"), (2, "b")]
    assert resends == 1


@pytest.mark.parametrize("death", ["close", "reset"])
async def test_is_not_resent_when_the_connection_was_new(opening: Opening, death: str) -> None:
    resent: list[None] = []
    async with (
        serving(says(then=death), repeats()) as server,
        opening(timeout_seconds=LONG, concurrency=4, observe_resend=lambda: resent.append(None)) as transport,
    ):
        outcome = await transport.send(post(server.url(), "a"))

    assert isinstance(outcome, NoAnswer)
    assert len(server.heard) == 1
    assert not resent


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"H", NoAnswer), (b"HTTP/1.1 200 OK\r\n", Answer), (b"HTTP/1.1 100 Continue\r\n\r\n", NoAnswer)],
)
async def test_is_not_resent_once_a_byte_of_the_answer_came(opening: Opening, said: bytes, kind: type[Outcome]) -> None:
    outcome, heard, resends = await two(opening, dies_at_second(said), repeats())

    assert isinstance(outcome, kind)
    assert heard == [(1, "a"), (1, "b")]
    assert resends == 0


async def test_is_not_resent_when_it_is_only_silent(opening: Opening) -> None:
    async def falls_silent(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.silence()

    resent: list[None] = []
    async with (
        serving(falls_silent, repeats()) as server,
        opening(timeout_seconds=0.4, concurrency=4, observe_resend=lambda: resent.append(None)) as transport,
    ):
        await transport.send(post(server.url(), "a"))
        outcome = await transport.send(post(server.url(), "b"))

    assert outcome == NoAnswer("no answer in time")
    assert len(server.heard) == 2
    assert not resent


async def test_a_resend_has_what_is_left_of_the_deadline(opening: Opening) -> None:
    async with (
        serving(dies_at_second(), says(b"")) as server,
        opening(timeout_seconds=0.4, concurrency=4) as transport,
    ):
        await transport.send(post(server.url(), "a"))
        outcome = await asyncio.wait_for(transport.send(post(server.url(), "b")), LONG)

    assert outcome == NoAnswer("no answer in time")


async def test_a_connection_closed_while_idle_costs_no_resend(opening: Opening) -> None:
    resent: list[None] = []
    async with (
        serving(says(OK, then="close"), repeats()) as server,
        opening(timeout_seconds=LONG, concurrency=4, observe_resend=lambda: resent.append(None)) as transport,
    ):
        await transport.send(post(server.url(), "a"))
        await asyncio.sleep(0.05)  # the end of the connection arrives
        outcome = await transport.send(post(server.url(), "b"))

    assert isinstance(outcome, Answer)
    assert [heard.connection for heard in server.heard] == [1, 2]
    assert not resent


async def test_bytes_that_came_between_two_exchanges_are_no_answer(opening: Opening) -> None:
    """A server that says 408 as it gives an idle connection up, and does not close it yet."""
    stray = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"

    async def strays(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await asyncio.sleep(0.02)  # the first answer is taken by now
        await peer.send(stray)
        await peer.silence()

    async with (
        serving(strays, repeats()) as server,
        opening(timeout_seconds=LONG, concurrency=4) as transport,
    ):
        await transport.send(post(server.url(), "a"))
        await asyncio.sleep(0.1)
        outcome = await transport.send(post(server.url(), "b"))

    assert isinstance(outcome, Answer)
    assert outcome.status == 200
    assert [heard.connection for heard in server.heard] == [1, 2]


async def test_many_at_once_are_each_resent_once(opening: Opening) -> None:
    """A restart of the endpoint makes a whole pool stale."""
    together = asyncio.Event()

    async def gathers(peer: Peer) -> None:
        await peer.request()
        if peer.server.connections == 8:
            together.set()
        await together.wait()  # so that eight connections are open
        await peer.send(OK)
        await peer.request()

    scripts = [gathers] * 8 + [repeats()]
    resent: list[None] = []
    async with (
        serving(*scripts) as server,
        opening(timeout_seconds=LONG, concurrency=8, observe_resend=lambda: resent.append(None)) as transport,
    ):
        for wave in "ab":
            outcomes = await asyncio.gather(*(transport.send(post(server.url(), f"{wave}{n}")) for n in range(8)))
            assert all(isinstance(outcome, Answer) for outcome in outcomes)

    keys = [heard.header("Idempotency-Key") or "" for heard in server.heard]
    assert sorted(keys) == sorted(
        [*(f"a{n}" for n in range(8)), *(f"b{n}" for n in range(8)), *(f"b{n}" for n in range(8))]
    )
    assert len(resent) == 8


async def test_a_resend_avoids_the_other_idle_connections(opening: Opening) -> None:
    """They are likely as stale as the first, so that a second one of them would cost the only resend."""
    together = asyncio.Event()

    async def gathers(peer: Peer) -> None:
        await peer.request()
        if peer.server.connections == 3:
            together.set()
        await together.wait()  # so that three connections are open
        await peer.send(OK)
        await peer.request()

    async with (
        serving(gathers, gathers, gathers, repeats()) as server,
        opening(timeout_seconds=LONG, concurrency=3) as transport,
    ):
        await asyncio.gather(*(transport.send(post(server.url(), "a")) for _ in range(3)))
        outcome = await transport.send(post(server.url(), "b"))

    assert isinstance(outcome, Answer)
    assert [heard.connection for heard in server.heard if heard.header("Idempotency-Key") == "b"][1:] == [4]
