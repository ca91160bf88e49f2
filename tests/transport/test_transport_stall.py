"""An event loop that stood still past a deadline reads what came meanwhile before the deadline is judged."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from loopback import OK
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, NoAnswer
from exporter.tasks.late_deadlines import timeout_after_reading

SECONDS = 0.3


class Answering:
    """A server in a thread of its own, so that it goes on while the event loop stands still."""

    def __init__(self, listening: socket.socket, pieces: tuple[bytes, ...], rest: float = LONG) -> None:
        self._listening = listening
        self._rest = rest
        self._pieces = pieces
        self.heard = threading.Event()
        self.may_answer = threading.Event()
        self.answered = threading.Event()

    def run(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            connection.recv(65_536)
            self.heard.set()
            self.may_answer.wait(self._rest)
            for piece in self._pieces:
                connection.sendall(piece)
            self.answered.set()
            connection.recv(1)


async def stalled(opening: Opening, *pieces: bytes) -> object:
    """The outcome of a request that is answered in these pieces while the loop stands still until it is overdue."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Answering(listening, pieces)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            async with opening(timeout_seconds=SECONDS, concurrency=1) as transport:
                began = loop.time()
                sending = asyncio.ensure_future(transport.send(post(f"http://127.0.0.1:{listening.getsockname()[1]}/")))
                await asyncio.to_thread(server.heard.wait, LONG)

                def stand_still() -> None:
                    loop.remove_reader(reading)
                    server.may_answer.set()
                    while not server.answered.is_set() or loop.time() < began + 2 * SECONDS:
                        time.sleep(0.01)

                # While it looks at its sockets: behind that uvloop goes on with its timers.
                reading, writing = socket.socketpair()
                with reading, writing:
                    loop.add_reader(reading, stand_still)
                    writing.sendall(b"x")
                    return await sending
        finally:
            thread.join(LONG)


async def test_an_answer_that_waits_is_read(opening: Opening) -> None:
    outcome = await stalled(opening, OK)
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.body) == (200, b"ok")


async def test_a_wrong_head_that_waits_is_read(opening: Opening) -> None:
    outcome = await stalled(opening, b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nX : a\r\nContent-Le")
    assert isinstance(outcome, Answer)
    assert (outcome.status, outcome.headers.get("retry-after")) == (503, "7")


async def test_what_never_comes_is_not_waited_for(opening: Opening) -> None:
    assert await stalled(opening) == NoAnswer("no answer in time")


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_while_connecting_is_not_counted(opening: Opening, turns: int) -> None:
    """Whenever it begins: the request that follows it has time to be answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Answering(listening, (OK,), rest=SECONDS / 2)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            async with opening(timeout_seconds=SECONDS, concurrency=1) as transport:
                sending = asyncio.ensure_future(transport.send(post(f"http://127.0.0.1:{listening.getsockname()[1]}/")))
                for _ in range(turns):
                    await asyncio.sleep(0)
                time.sleep(2 * SECONDS)  # noqa: ASYNC251 - that is what is tested
                assert isinstance(await sending, Answer)
        finally:
            thread.join(LONG)


class TestTimeout:
    async def test_ends_what_waits(self) -> None:
        words: list[str] = []
        try:
            async with timeout_after_reading(0.0, lambda: words.append("last")):
                await asyncio.Event().wait()
        except TimeoutError:
            words.append("over")
        assert words == ["last", "over"]

    async def test_lets_what_was_read_come_through(self) -> None:
        reading, writing = socket.socketpair()
        with reading, writing:
            reading.setblocking(False)
            writing.sendall(b"x")
            async with timeout_after_reading(0.0):
                assert await asyncio.get_running_loop().sock_recv(reading, 1) == b"x"

    async def test_that_is_left_in_time_calls_nobody(self) -> None:
        async with timeout_after_reading(asyncio.get_running_loop().time() + 0.01, lambda: words.append("last")):
            words: list[str] = []
        await asyncio.sleep(0.05)
        assert not words

    async def test_a_cancellation_is_no_timeout(self) -> None:
        async def waits() -> None:
            async with timeout_after_reading(asyncio.get_running_loop().time() + LONG):
                await asyncio.Event().wait()

        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
