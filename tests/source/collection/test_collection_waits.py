"""What waits, and for how long: for durability, for room in memory, for slow clients, for the end."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from data_plane import LONG, OPEN, Intake, answers, closed, converse, post, served

from exporter.source.collection.intake import Kept, NotKept
from exporter.source.collection.server.bounds import Bounds

pytestmark = pytest.mark.usefixtures("either_loop")

QUICK = Bounds(
    head_seconds=0.3, body_seconds=0.6, body_grace_seconds=0.2, idle_seconds=0.5, linger_seconds=0.3, sweep_seconds=0.05
)


class Client:
    """A connection of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        async with asyncio.timeout(LONG):
            head = await self.reader.readuntil(b"\r\n\r\n")
            (found,) = answers(head, heads=True)
            await self.reader.readexactly(int(found.headers["content-length"]))
            return found.status

    async def rest(self) -> bytes:
        async with asyncio.timeout(LONG):
            return await self.reader.read()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        await closed(writer)


async def until(probe: object) -> None:
    assert callable(probe)
    async with asyncio.timeout(LONG):
        while not probe():  # noqa: ASYNC110 - only asking again shows it
            await asyncio.sleep(0.005)


async def test_no_answer_before_it_is_kept() -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane, client(plane.port) as one:
        await one.send(post())
        await intake.came.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await one.reader.read(1)
        assert plane.listener.memory.used == len(b'{"a":1}')
        intake.release()
        assert await one.status() == 200
        assert plane.listener.memory.used == 0


async def test_answers_keep_their_order() -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane, client(plane.port) as one:
        await one.send(post() + post(b"no json") + post(path="/x") + post())
        await until(lambda: len(intake.kept) == 2)
        last, first = intake.pending.pop(), intake.pending.pop()
        last.settle(Kept())
        await asyncio.sleep(0.05)
        first.settle(Kept())
        assert [await one.status() for _ in range(4)] == [200, 400, 404, 200]


async def test_sixteen_wait_and_then_the_socket_is_not_read() -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane, client(plane.port) as one:
        await one.send(post() * 40)
        await until(lambda: len(intake.kept) == 16)
        await asyncio.sleep(0.05)
        assert len(intake.kept) == 16
        intake.holds = False
        intake.release()
        assert [await one.status() for _ in range(40)] == [200] * 40


async def test_a_queue_that_takes_nothing() -> None:
    intake = Intake(outcome=NotKept("full"))
    async with served(intake) as plane:
        (found,) = answers(await converse(plane.port, post()))
        assert (found.status, found.headers["retry-after"]) == (503, "1")
    async with served(intake, overload_status=500) as plane:
        (found,) = answers(await converse(plane.port, post()))
        assert found.status == 500


async def test_what_is_too_large_for_the_queue_is_told() -> None:
    batch = post(b'{"messages":[{"a":1},{"a":2}]}', path=f"/collection/batch/{OPEN.id}")
    async with served(Intake(outcome=Kept(frozenset({"1584479347507:2153:0:1", "1584479347507:2153:1"})))) as plane:
        found, single = answers(await converse(plane.port, batch + post()))
    assert (found.status, single.status) == (207, 413)
    assert b'"1584479347507:2153:0:0"' in found.body
    assert b'"1584479347507:2153:0-1","status":413' in found.body
    assert [each.index for each in plane.refused] == [1]


async def test_held_for_too_long() -> None:
    intake = Intake(holds=True)
    async with served(intake, bounds=QUICK, hold_seconds=0.2) as plane, client(plane.port) as one:
        await one.send(post())
        assert await one.status() == 503
        # The records may still be kept: until that is known, they stand in memory.
        assert plane.listener.memory.used > 0
        intake.holds = False
        intake.release()
        await until(lambda: plane.listener.memory.used == 0)
        await one.send(post())
        assert await one.status() == 200


async def test_room_in_memory_is_waited_for_and_the_socket_not_read() -> None:
    intake = Intake(holds=True)
    async with (
        served(intake, memory=1000, max_body=1000) as plane,
        client(plane.port) as one,
        client(plane.port) as two,
    ):
        await one.send(post(b'{"a":"%b"}' % (b"x" * 900)))
        await until(lambda: intake.kept)
        await two.send(post(b'{"a":"%b"}' % (b"y" * 800)))
        await until(lambda: plane.listener.held == 1)
        assert len(intake.kept) == 1
        intake.holds = False
        intake.release()
        assert [await one.status(), await two.status()] == [200, 200]
        assert (plane.listener.held, plane.listener.memory.used) == (0, 0)


async def test_a_request_like_the_last_waits_for_room_like_any() -> None:
    intake = Intake()
    body = b'{"a":"%b"}' % (b"y" * 500)
    async with (
        served(intake, memory=1000, max_body=1000) as plane,
        client(plane.port) as one,
        client(plane.port) as two,
    ):
        for _ in range(3):
            await two.send(post(body))
            assert await two.status() == 200
        intake.holds = True
        await one.send(post(body))
        await until(lambda: len(intake.kept) == 4)
        await two.send(post(body))
        await until(lambda: plane.listener.held == 1)
        intake.release()
        await until(lambda: len(intake.kept) == 5)
        intake.release()
        assert [await one.status(), await two.status()] == [200, 200]
        assert plane.listener.memory.used == 0


async def test_no_room_for_too_long() -> None:
    intake = Intake(holds=True)
    async with (
        served(intake, bounds=QUICK, memory=1000, max_body=1000, hold_seconds=0.4) as plane,
        client(plane.port) as one,
        client(plane.port) as two,
        client(plane.port) as gone,
    ):
        await one.send(post(b'{"a":"%b"}' % (b"x" * 900)))
        await until(lambda: intake.kept)
        await two.send(post(b'{"a":"%b"}' % (b"y" * 800)))
        await gone.send(post(b'{"a":"%b"}' % (b"z" * 800)))
        await until(lambda: plane.listener.held == 2)
        gone.writer.transport.abort()
        (found,) = answers(await two.rest())
        assert (found.status, found.headers["retry-after"], found.headers["connection"]) == (503, "1", "close")
        # Room that is free before would be given to the one that is gone, which nobody has noticed: it is not read.
        await until(lambda: plane.listener.held == 0)
        intake.release()
        await until(lambda: plane.listener.memory.used == 0)
        assert len(intake.kept) == 1


async def test_chunks_reserve_the_most_that_they_may_be() -> None:
    async with served(max_body=5000) as plane, client(plane.port) as one:
        await one.send(post(b"3\r\n", "Transfer-Encoding: chunked", length=False))
        await until(lambda: plane.listener.memory.used == 5000)
        one.writer.transport.abort()
        await until(lambda: plane.listener.memory.used == 0)


@pytest.mark.parametrize(
    ("beginning", "statuses"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"POST /", [408], id="head"),
        pytest.param(post(b"{", "Content-Length: 50", length=False), [408], id="body"),
        pytest.param(post(b"5\r\n{", "Transfer-Encoding: chunked", length=False), [408], id="chunk"),
        pytest.param(post(b"{", "Content-Length: 50", path="/x", length=False), [404], id="a body that is dropped"),
        pytest.param(post(), [200], id="idle"),
        pytest.param(post() + b"POST", [200, 408], id="the second head"),
    ],
)
async def test_who_takes_too_long_is_ended(beginning: bytes, statuses: list[int]) -> None:
    async with served(bounds=QUICK) as plane, client(plane.port) as one:
        await one.send(beginning)
        assert [each.status for each in answers(await one.rest())] == statuses
        await until(lambda: plane.listener.connections == 0)
        assert plane.listener.memory.used == 0


async def test_a_client_that_does_not_read_its_answers_is_ended() -> None:
    bounds = Bounds(write_seconds=0.3, sweep_seconds=0.05)
    body = b'{"messages":[%b]}' % b",".join([b"0"] * 20_000)
    async with served(bounds=bounds) as plane, client(plane.port) as one:
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it can
        one.writer.write(post(body, path=f"/collection/batch/{OPEN.id}") * 12)
        await until(lambda: plane.listener.connections == 1)
        await until(lambda: plane.listener.connections == 0)


async def test_three_hundred_slow_clients_beside_a_good_one() -> None:
    bounds = Bounds(head_seconds=1.5, sweep_seconds=0.1)
    async with served(bounds=bounds) as plane:
        slow = [await asyncio.open_connection("127.0.0.1", plane.port) for _ in range(300)]
        await until(lambda: plane.listener.connections == 300)
        async with client(plane.port) as good, asyncio.timeout(LONG):
            while plane.listener.connections > 1:
                for _, writer in slow:
                    if not writer.transport.is_closing():
                        writer.write(b"P")
                await good.send(post())
                assert await good.status() == 200
                await asyncio.sleep(0.01)
        for reader, writer in slow:
            # A byte that was on its way when the connection ended may have reset it.
            try:
                data = await reader.read()
            except ConnectionError:
                data = b""
            assert not data or data.startswith(b"HTTP/1.1 408 ")
            await closed(writer)


async def test_a_drain_answers_what_was_read_and_ends_the_rest() -> None:
    intake = Intake(holds=True)
    async with (
        served(intake) as plane,
        client(plane.port) as idle,
        client(plane.port) as begun,
        client(plane.port) as waiting,
        client(plane.port) as sending,
    ):
        await idle.send(post(b"no json"))
        assert await idle.status() == 400
        await begun.send(b"POST /")
        await waiting.send(post() + post())
        request = post()
        await sending.send(request[:-3])
        await until(lambda: len(intake.kept) == 2 and plane.listener.connections == 4)
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(plane.listener.drain(LONG))
            assert await idle.rest() == b""
            assert await begun.rest() == b""
            with pytest.raises(OSError, match=r"refused|failed"):
                await asyncio.open_connection("127.0.0.1", plane.port)
            await sending.send(request[-3:])
            await until(lambda: len(intake.kept) == 3)
            assert not draining.done()
            intake.release()
            first, second = answers(await waiting.rest())
            assert (first.status, "connection" in first.headers) == (200, False)
            assert (second.status, second.headers["connection"]) == (200, "close")
            (third,) = answers(await sending.rest())
            assert (third.status, third.headers["connection"]) == (200, "close")
        assert plane.listener.connections == 0


async def test_a_drain_ends() -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane, client(plane.port) as one:
        await one.send(post())
        await intake.came.wait()
        await plane.listener.drain(0.05)
        assert plane.listener.connections == 1
    intake.release()


async def test_a_new_plane_is_in_force_at_once_also_on_old_connections() -> None:
    from exporter.source.collection.plane import Plane

    async with served() as plane, client(plane.port) as one:
        await one.send(post())
        assert await one.status() == 200
        before, plane.taking.plane = plane.taking.plane, Plane("other", {})
        await one.send(post())
        assert await one.status() == 404
        plane.taking.plane = before
        await one.send(post())
        assert await one.status() == 200


async def test_a_rate() -> None:
    async with served(rate=3.0) as plane:
        plane.taking.clock = lambda: 100_000.1
        found = answers(await converse(plane.port, post() * 6))
        assert [each.status for each in found] == [200] * 3 + [429] * 3
        assert found[-1].headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "rest",
    [post()[:-2], post(b"3\r\n{", "Transfer-Encoding: chunked", length=False), post(b"{", path="/x")[:-1], b"POST /"],
)
async def test_a_client_that_ends_halfway_is_answered_what_came_whole(rest: bytes) -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane:
        async with asyncio.TaskGroup() as tasks:
            alone = tasks.create_task(converse(plane.port, rest))
            behind = tasks.create_task(converse(plane.port, post() + rest))
            await until(lambda: intake.kept)
            dropped = [404] if b"/x" in rest else []
            assert [each.status for each in answers(await alone)] == dropped
            intake.release()
            assert [each.status for each in answers(await behind)] == [200, *dropped]
        await until(lambda: plane.listener.connections == 0)
        assert plane.listener.memory.used == 0


@pytest.mark.parametrize("bodies", [1, 5])
async def test_a_client_that_vanishes_leaves_nothing_behind(bodies: int) -> None:
    intake = Intake(holds=True)
    async with served(intake) as plane:
        async with client(plane.port) as one:
            await one.send(post() * bodies + post()[:-2])
            await until(lambda: len(intake.kept) == bodies)
            # Closed so, a socket is reset: the server need not wait whether answers are still read.
            one.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await until(lambda: plane.listener.connections == 0)
        assert plane.listener.memory.used == bodies * len(b'{"a":1}')
        intake.release()
        assert plane.listener.memory.used == 0
