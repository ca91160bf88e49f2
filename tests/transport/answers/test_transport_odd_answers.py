"""Answers at the edge of HTTP/1.1 and beyond it: both transports make the same of each, however it is cut in pieces.

Both read with llhttp, as lenient as aiohttp sets it. Where it is loose, so is this table; and where it gives up on a
line that is no status line, there is an answer all the same, since the verdict falls with the status line
(contract.md#guarantees, 2).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from loopback import OK, Peer, Script, repeats, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, NoAnswer
from exporter.transport.bounds import HEAD_LIMIT
from exporter.transport.lean import wire
from exporter.transport.over_aiohttp import transport

#: So many bytes arrive one by one; what is behind them, at once.
SINGLY = 300
TWO = b"Content-Length: 2\r\n\r\nok"
NOT_HTTP = NoAnswer("the answer is not HTTP")


@dataclass(frozen=True)
class Odd:
    """What a server says to a request, before it goes on as it should; and what comes of it.

    ``status`` 0: it is no answer. ``body`` None: what is heard of it depends on the pieces. ``ends``: the server
    closes the connection behind it, without which the body would not end.
    """

    name: str
    said: bytes
    status: int = 200
    body: bytes | None = b"ok"
    kept: bool = True
    retry_after: str | None = None
    ends: bool = False


def line(name: str, line: bytes, status: int = 200, *, body: bytes | None = b"ok", kept: bool = True) -> Odd:
    """A status line of its own, ahead of a body of two bytes."""
    return Odd(name, line + b"\r\n" + TWO, status, body, kept=kept and status > 0)


def field(name: str, field: bytes, *, body: bytes | None = b"ok", kept: bool = True) -> Odd:
    """A header field of its own, ahead of a body of two bytes."""
    return Odd(name, b"HTTP/1.1 200 OK\r\n" + field + b"\r\n" + TWO, 200, body, kept=kept)


def hint(name: str, value: bytes, read: str) -> Odd:
    """A ``Retry-After``, and what is read of it."""
    return Odd(name, b"HTTP/1.1 503 Busy\r\nRetry-After:" + value + b"\r\n" + TWO, 503, retry_after=read)


def coding(name: str, coding: bytes, *, body: bytes = b"ok", kept: bool = True, ends: bool = False) -> Odd:
    """A transfer coding of its own, ahead of a body in chunks."""
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding:" + coding + b"\r\n\r\n" + CHUNKS
    return Odd(name, said, 200, body, kept, ends=ends)


def chunks(name: str, chunks: bytes, body: bytes = b"", *, kept: bool = False, ends: bool = False) -> Odd:
    """Chunks of its own, behind a head that is right."""
    return Odd(name, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 200, body, kept, ends=ends)


CHUNKS = b"2\r\nok\r\n0\r\n\r\n"
LONG_REASON = HEAD_LIMIT - len(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n")

STATUS_LINES = [
    *(line(f"status {status}", b"HTTP/1.1 %d Odd" % status, status) for status in (218, 299, 499, 600, 699, 999)),
    *(
        line(f"status {status.decode()}", b"HTTP/1.1 " + status + b" Odd", 0)
        for status in (b"000", b"001", b"099", b"0", b"20", b"1000", b"2000", b"0200", b"-200", b"+200", b"2x0")
    ),
    line("status 000 without a reason", b"HTTP/1.1 000", 0),
    line("a reason of 8 KiB", b"HTTP/1.1 200 " + b"a" * 8192),
    line("a reason as long as may be", b"HTTP/1.1 200 " + b"a" * LONG_REASON),
    line("a reason longer by a byte", b"HTTP/1.1 200 " + b"a" * (LONG_REASON + 1), body=None, kept=False),
    line("NUL in the reason", b"HTTP/1.1 200 O\0K"),
    line("control characters in the reason", b"HTTP/1.1 200 O\x01\x7f\xffK"),
    line("CR in the reason", b"HTTP/1.1 200 O\rK", kept=False),
    line("a space behind the status", b"HTTP/1.1 200 "),
    line("a tab behind the status", b"HTTP/1.1 200\tOK", kept=False),
    line("two spaces", b"HTTP/1.1  200 OK", kept=False),
    line("empty lines before", b"\r\n\r\n\nHTTP/1.1 200 OK"),
    line("a mark of byte order before", b"\xef\xbb\xbfHTTP/1.1 200 OK", 0),
    line("HTTP/2.0 in letters", b"HTTP/2.0 200 OK", kept=False),
    line("HTTP/0.9 in letters", b"HTTP/0.9 200 OK", kept=False),
    line("HTTP/1.2", b"HTTP/1.2 200 OK", kept=False),
    line("HTTP/3.0", b"HTTP/3.0 200 OK", kept=False),
    line("small letters", b"http/1.1 200 OK", 0),
    line("a request", b"POST / HTTP/1.1", 0),
    Odd("HTTP/0.9", b"<html>ok</html>", 0, kept=False),
    Odd("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, kept=False),
    Odd("HTTP/2's settings", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18, 0, kept=False),
    Odd("HTTP/2's farewell", b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + b"\x00" * 8, 0, kept=False),
]

FIELDS = [
    field("NUL in a value", b"X: a\0b"),
    field("NUL behind Connection: close", b"Connection: close\0"),
    field("NUL in a name", b"X\0: a", kept=False),
    field("control characters in a value", b"X: a\x01\x0b\x7f\xffb"),
    field("control characters in a name", b"X\x01: a", kept=False),
    field("CR in a value", b"X: a\rb", kept=False),
    field("no colon", b"Xabc", kept=False),
    field("no name", b": a", kept=False),
    field("a space before the colon", b"X : a", kept=False),
    field("a tab before the colon", b"X\t: a", kept=False),
    field("folded at a space", b"X: a\r\n b"),
    field("folded at a tab", b"X: a\r\n\tb"),
    field("folded, and nothing there", b"X: a\r\n \r\nY: b"),
    field("a folded length", b"Y: a\r\nContent-Length:\r\n 2", kept=False),
    field("a length twice", b"Content-Length: 2", kept=False),
    field("a length and chunks", b"Transfer-Encoding: chunked", body=b"", kept=False),
    field("5,000 fields", b"X: a\r\n" * 4999 + b"X: a"),
    field("fields of 100 KB", (b"X: " + b"a" * 1000 + b"\r\n") * 100 + b"X: a", body=None, kept=False),
    field("a name of 70 KB", b"X" * 70_000 + b": a", body=None, kept=False),
    hint("Retry-After", b" 7", "7"),
    hint("Retry-After without a space", b"7", "7"),
    hint("Retry-After in whitespace", b" \t7 \t", "7"),
    hint("Retry-After on a line of its own", b"\r\n 7", "7"),
    hint("Retry-After twice", b" 7\r\nRetry-After: 8", "7"),
    hint("Retry-After with NUL", b" \x007\0", "7"),
    hint("Retry-After in Latin-1", b" \xe97\xa0", "\xe97\xa0"),
]

LENGTHS_AND_CODINGS = [
    *(
        Odd(f"length {value!r}", b"HTTP/1.1 200 OK\r\nContent-Length:" + value + b"\r\n\r\nok", body=None, kept=False)
        for value in (b"", b" +2", b" 0x2", b" 1_0", b" 2 2", b" 2, 2", b" 2\0", b" \x0b2", b" 18446744073709551616")
    ),
    *(
        Odd(f"length {value!r}", b"HTTP/1.1 200 OK\r\nContent-Length:" + value + b"\r\n\r\nok")
        for value in (b"2", b" \t2 ", b" 02")
    ),
    # llhttp's own word for none.
    Odd(
        "the length 2**64 - 1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok",
        kept=False,
        ends=True,
    ),
    coding("chunked in capitals", b" CHUNKED"),
    coding("chunked at last", b" gzip, chunked"),
    coding("chunked twice", b" chunked, chunked"),
    coding("chunked, then another", b" chunked, gzip", body=CHUNKS, kept=False, ends=True),
    coding("another coding", b" gzip", body=CHUNKS, kept=False, ends=True),
    coding("a coding like chunked", b" xchunked", body=CHUNKS, kept=False, ends=True),
    coding("NUL behind chunked", b" chunked\0", body=CHUNKS, kept=False, ends=True),
    coding("no coding", b"", body=CHUNKS, kept=False, ends=True),
    Odd("an upgrade that nobody asked for", b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n" + TWO),
    Odd("a length as if to HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", body=b"", kept=False, ends=True),
]

CHUNKED = [
    *(
        chunks(f"chunk size {size!r}", size + b"\r\nok\r\n0\r\n\r\n")
        for size in (
            b"",
            b"zz",
            b"-2",
            b"+2",
            b"0x2",
            b"1_0",
            b" 2",
            b"\t2",
            b"\xb2",
            b"F" * 17,
            b"2;",
            b"2;\0",
            b'2;a="b',
        )
    ),
    *(
        chunks(f"chunk size {size!r}", size + b"\r\nok\r\n0\r\n\r\n", b"ok", kept=True)
        for size in (b"2 ", b"2\t", b"02", b"2;a=b", b'2;a="b;c"')
    ),
    chunks("a size that ends in LF", b"2\nok\r\n0\r\n\r\n"),
    chunks("a chunk that ends in LF", b"2\r\nok\n0\r\n\r\n", b"ok", kept=True),
    chunks("a chunk that does not end", b"2\r\nok0\r\n\r\n", b"ok"),
    chunks("a chunk that is longer", b"2\r\nokay\r\n0\r\n\r\n", b"ok"),
    chunks("a chunk that is shorter", b"F\r\nok\r\n0\r\n\r\n", CHUNKS[3:], ends=True),
    chunks("CR for CRLF", b"2\rok\r0\r\r"),
    chunks("an end without its last CRLF", b"2\r\nok\r\n0\r\n", b"ok", ends=True),
    chunks("an end in LF", b"2\r\nok\r\n0\n\n", b"ok", ends=True),
    chunks("noise for an end", b"2\r\nok\r\n0\r\nnoise\0", b"ok"),
    chunks("a trailer", b"2\r\nok\r\n0\r\nX: a\r\n\r\n", b"ok", kept=True),
    chunks("a trailer with NUL", b"2\r\nok\r\n0\r\nX: a\0b\r\n\r\n", b"ok", kept=True),
    chunks("a folded trailer", b"2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n", b"ok", kept=True),
    chunks("a trailer in LF", b"2\r\nok\r\n0\r\nX: a\n\n", b"ok", kept=True),
    chunks("a trailer without a colon", b"2\r\nok\r\n0\r\nXa\r\n\r\n", b"ok"),
    chunks("a space before a trailer's colon", b"2\r\nok\r\n0\r\nX : a\r\n\r\n", b"ok"),
    chunks("a length for a trailer", b"2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n", b"ok"),
]

ENDS_AND_INTERIM = [
    Odd("LF alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    Odd("LF now and then", b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok"),
    Odd("CR alone", b"HTTP/1.1 200 OK\rContent-Length: 2\r\rok", body=b"", kept=False, ends=True),
    Odd("CR CR LF", b"HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\r\n\r\r\nok", kept=False),
    Odd("101", b"HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 0, kept=False),
    Odd("101 without an upgrade", b"HTTP/1.1 101 Now\r\n\r\n", 0, kept=False),
    Odd("101, then an answer", b"HTTP/1.1 101 Now\r\n\r\n" + OK, 0, kept=False),
    Odd("199, then an answer", b"HTTP/1.1 199 Soon\r\n\r\n" + OK),
    Odd("103 in chunks, then an answer", b"HTTP/1.1 103 Soon\r\nTransfer-Encoding: chunked\r\n\r\n" + OK),
    Odd("100 with a body", b"HTTP/1.1 100 Soon\r\nContent-Length: 2\r\n\r\nno" + OK, 0, kept=False),
    Odd("000, then an answer", b"HTTP/1.1 000 Odd\r\n\r\n" + OK, 0, kept=False),
    *(
        odd
        for status in (204, 304)
        for odd in (
            Odd(f"{status} with a length only", b"HTTP/1.1 %d Odd\r\nContent-Length: 2\r\n\r\n" % status, status, b""),
            Odd(f"{status} with a body", b"HTTP/1.1 %d Odd\r\n" % status + TWO, status, b"", kept=False),
            Odd(
                f"{status} in chunks",
                b"HTTP/1.1 %d Odd\r\nTransfer-Encoding: chunked\r\n\r\n" % status + CHUNKS,
                status,
                b"",
                kept=False,
            ),
        )
    ),
    Odd("205 with a body", b"HTTP/1.1 205 Odd\r\n" + TWO, 205),
]


@pytest.mark.parametrize(
    "odd", [*STATUS_LINES, *FIELDS, *LENGTHS_AND_CODINGS, *CHUNKED, *ENDS_AND_INTERIM], ids=lambda odd: odd.name
)
async def test_ends_alike(opening: Opening, odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    # A body that nobody can read on is not waited for.
    for module in (transport, wire):
        monkeypatch.setattr(module, "BODY_SECONDS", 2 * LONG)
    for singly in (0, SINGLY):
        await _ends_as_expected(opening, odd, singly)


async def _ends_as_expected(opening: Opening, odd: Odd, singly: int) -> None:
    async with (
        serving(says_oddly(odd.said, singly, ends=odd.ends), repeats()) as server,
        opening(timeout_seconds=2 * LONG) as opened,
    ):
        first = await asyncio.wait_for(opened.send(post(server.url())), LONG)
        if odd.status:
            await asyncio.wait_for(server.said.wait(), LONG)
            await asyncio.sleep(0.01)  # it arrives
        second = await opened.send(post(server.url()))

    if odd.status:
        assert isinstance(first, Answer)
        assert first.status == odd.status
        assert odd.body is None or first.body == odd.body
        assert first.headers.get("retry-after") == odd.retry_after
    else:
        assert isinstance(first, NoAnswer)
        assert first == NOT_HTTP or first.reason == "the answer is an interim one (101)"
    assert isinstance(second, Answer)
    assert (second.status, second.body) == (200, b"ok")
    assert [heard.connection for heard in server.heard] == [1, 1 if odd.kept else 2]


def says_oddly(said: bytes, singly: int, *, ends: bool = False) -> Script:
    """Answer the first request like this, its first bytes one by one; then go on as one should, or close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        try:
            for position in range(min(singly, len(said))):
                await peer.send(said[position : position + 1])
                await asyncio.sleep(0)
            if rest := said[singly:]:
                await peer.send(rest)
        finally:
            # The client may have heard enough before the end.
            peer.server.said.set()
        if not ends:
            await repeats()(peer)

    return script


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: a\r\n"])
async def test_a_head_that_does_not_end_has_its_status(opening: Opening, said: bytes) -> None:
    async with (
        serving(says_oddly(said, 0), repeats()) as server,
        opening(timeout_seconds=0.3) as opened,
    ):
        outcome = await opened.send(post(server.url()))
        again = await opened.send(post(server.url()))

    assert isinstance(outcome, Answer)
    assert outcome.status == 200
    assert isinstance(again, Answer)
    assert [heard.connection for heard in server.heard] == [1, 2], "the connection is not used again"


@pytest.mark.parametrize("said", [b"HTTP/1.1 20", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_without_a_status_line_there_is_no_answer(opening: Opening, said: bytes) -> None:
    async with (
        serving(says_oddly(said, 0)) as server,
        opening(timeout_seconds=0.3) as opened,
    ):
        outcome = await opened.send(post(server.url()))

    assert outcome == NoAnswer("no answer in time")


async def test_a_body_that_may_go_on_costs_its_connection(opening: Opening) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"
    async with (
        serving(says_oddly(said, 0), repeats()) as server,
        opening(timeout_seconds=0.5) as opened,
    ):
        first = await opened.send(post(server.url()))
        second = await opened.send(post(server.url()))

    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert [heard.connection for heard in server.heard] == [1, 2]
