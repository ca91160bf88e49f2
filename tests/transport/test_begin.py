"""``begin``: a request without a coroutine, where a connection is idle; the contract suite runs over it, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from loopback import OK, Peer, repeats, says, serving
from transport_contract import LONG, post

from exporter.messages.exchange import Answer, NoAnswer, Outcome
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.port import CallbackTransport, Stale

Ended = asyncio.Future[Outcome | Stale]


@asynccontextmanager
async def lean() -> AsyncIterator[CallbackTransport]:
    async with open_transport("lean", TransportOptions(timeout_seconds=LONG, concurrency=4)) as transport:
        assert isinstance(transport, CallbackTransport)
        yield transport


def ended() -> Ended:
    return asyncio.get_running_loop().create_future()


async def silent_at_second(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK)
    await peer.request()
    await peer.silence()


def test_aiohttp_has_no_part_in_it() -> None:
    from exporter.transport.over_aiohttp.transport import AiohttpTransport

    assert not issubclass(AiohttpTransport, CallbackTransport)


async def test_nothing_is_done_without_an_idle_connection() -> None:
    async with serving(repeats()) as server, lean() as transport:
        never = ended()
        assert not transport.begin(post(server.url()), never.set_result)
        assert isinstance(await transport.send(post(server.url())), Answer)
        first, second = ended(), ended()
        assert transport.begin(post(server.url()), first.set_result)
        assert not transport.begin(post(server.url()), second.set_result), "the connection is busy"
        assert isinstance(await first, Answer)

    assert len(server.heard) == 2
    assert not never.done()
    assert not second.done()


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"], ids=["200", "422"])
async def test_an_answer_begins_the_next_request_on_the_same_connection(answer: bytes) -> None:
    async with serving(repeats(answer)) as server, lean() as transport:
        await transport.send(post(server.url()))
        last = ended()

        def then(left: int) -> Callable[[Outcome | Stale], None]:
            def done(outcome: Outcome | Stale) -> None:
                if left and isinstance(outcome, Answer):
                    assert transport.begin(post(server.url(), b'{"left":%d}' % left), then(left - 1))
                else:
                    last.set_result(outcome)

            return done

        assert transport.begin(post(server.url()), then(100))
        assert isinstance(await last, Answer)

    assert [heard.body for heard in server.heard[2:]] == [b'{"left":%d}' % left for left in range(100, 0, -1)]
    assert server.connections == 1


async def test_a_stale_connection_is_told_of_and_the_request_sent_again_on_a_new_one() -> None:
    async def dies(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async with serving(dies, repeats()) as server, lean() as transport:
        await transport.send(post(server.url()))
        first = ended()
        assert transport.begin(post(server.url()), first.set_result)
        stale = await first
        assert isinstance(stale, Stale)
        assert isinstance(await transport.resend(post(server.url()), stale), Answer)

    assert [heard.connection for heard in server.heard] == [1, 1, 2]


async def test_given_up_it_ends_without_an_answer_and_its_connection_is_closed() -> None:
    async with serving(silent_at_second, repeats()) as server, lean() as transport:
        await transport.send(post(server.url()))
        first = ended()
        assert transport.begin(post(server.url()), first.set_result)
        await asyncio.wait_for(server.hearing.wait(), LONG)
        transport.give_up()
        assert isinstance(await first, NoAnswer)
        await asyncio.wait_for(server.hung_up.wait(), LONG)
        assert isinstance(await transport.send(post(server.url())), Answer), "the transport goes on"


async def test_what_is_idle_outlives_that_others_are_given_up() -> None:
    async with serving(says(OK), repeats()) as server, lean() as transport:
        await transport.send(post(server.url()))
        transport.give_up()
        assert not server.hung_up.is_set()
        first = ended()
        assert transport.begin(post(server.url()), first.set_result)
        transport.give_up()
        await first
