"""However a request is cut into pieces on its way, the answer is the same; and any bytes leave the server alive."""

from __future__ import annotations

import asyncio
import gzip
import itertools
from typing import cast

import pytest
import uvloop
from data_plane import LOCKED, OPEN, Intake, post, taking_of, undated
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.collection.server.connection import Connection
from exporter.source.collection.server.listener import Listener, ListenerOptions


class Pipe:
    """The transport of a connection that is fed by hand: what is written is kept."""

    def __init__(self) -> None:
        self.written = b""
        self.ended = False

    def write(self, data: bytes) -> None:
        assert not self.ended
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    abort = close

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


CHUNKS = b'3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nX: y\r\n\r\n'
REQUESTS = [
    post(),
    post(b'{"messages":[{"a":1},2]}', path=f"/collection/batch/{OPEN.id}/"),
    post(CHUNKS, "Transfer-Encoding: chunked", length=False),
    post(gzip.compress(b'{"a":1}', mtime=0), "Content-Encoding: gzip"),
    post(b"no json"),
    post(path=f"/collection/{LOCKED.id}"),
    post(path="/nowhere"),
    post(b"5\r\nabcde\r\n0\r\n\r\n", "Transfer-Encoding: chunked", path="/nowhere", length=False),
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
]
ODD = [
    post(b"x", "X: a\r\n b"),
    post(b"z\r\n", "Transfer-Encoding: chunked", length=False),
    post(b"{}", "Connection: close"),
]


async def said(pieces: list[bytes]) -> bytes:
    """What is answered to ``pieces``; the intake keeps at once."""
    faults: list[Exception] = []
    listener = Listener(taking_of(Intake()), ListenerOptions(fault=faults.append), cast("asyncio.TaskGroup", None))
    pipe = Pipe()
    connection = Connection(listener)
    connection.connection_made(cast("asyncio.Transport", pipe))
    for piece in pieces:
        connection.get_buffer(-1)[: len(piece)] = piece
        connection.buffer_updated(len(piece))
        await asyncio.sleep(0)
    for _ in range(4):
        await asyncio.sleep(0)
    assert faults == []
    connection.connection_lost(None)
    assert listener.memory.used == 0
    return undated(pipe.written)


def run(pieces: list[bytes]) -> bytes:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(said(pieces))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5), st.sampled_from([b"", *ODD]), st.lists(st.integers(0))
)
def test_pieces_of_any_size_are_answered_as_the_whole(requests: list[bytes], last: bytes, at: list[int]) -> None:
    data = b"".join(requests) + last
    whole = run([data])
    assert run(cut(data, at)) == whole
    assert whole.count(b"HTTP/1.1 ") == len(requests) + bool(last)


def test_byte_by_byte() -> None:
    data = b"".join(REQUESTS)
    assert run([data[at : at + 1] for at in range(len(data))]) == run([data])


@settings(max_examples=150)
@given(st.lists(st.binary() | st.sampled_from([*REQUESTS, *ODD]) | st.sampled_from([b"\r\n", b"POST ", b"\r\n\r\n"])))
def test_any_bytes(pieces: list[bytes]) -> None:
    answer = run([piece for piece in pieces if piece])
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in answer


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_request_that_is_cut_off_is_not_answered(at: int) -> None:
    assert run([post()[:-at]]) == b""
