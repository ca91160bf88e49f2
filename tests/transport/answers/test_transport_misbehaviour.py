"""A server that misbehaves on purpose, with and without TLS: what comes of the exchange and of its connection."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Authority
from loopback import OK, Peer, Script, repeats, says, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, NoAnswer, Outcome
from exporter.sections.tls import Tls
from exporter.transport.bounds import BODY_LIMIT

SHORT = 0.5
GZIPPED = gzip.compress(b"x" * 1000)
NOT_HTTP = NoAnswer("the answer is not HTTP")
CLOSED = NoAnswer("connection closed before an answer came")
RESET = NoAnswer("connection reset by peer")
SILENT = NoAnswer("no answer in time")


@dataclass(frozen=True)
class Case:
    """What a server does with the first request; what comes of it; whether the second may use its connection.

    ``says_more``: the second goes out when the server has said all, and not at once after the first outcome.
    """

    name: str
    script: Script
    status: int = 0
    body: bytes = b""
    outcome: NoAnswer | None = None
    kept: bool = False
    says_more: bool = False
    timeout_seconds: float = LONG


def answers(
    name: str,
    *pieces: bytes,
    status: int = 200,
    body: bytes = b"ok",
    kept: bool,
    says_more: bool = False,
    then: str = "",
) -> Case:
    """The server answers in these pieces, then goes on as it should, or ends as ``then`` says."""

    async def script(peer: Peer) -> None:
        await says(*pieces, then="go on")(peer)
        if then == "reset":
            await asyncio.sleep(0.02)  # what was said arrives, which a reset would undo
        await ended(peer, then)

    seconds = SHORT if then == "silence" else LONG
    return Case(name, script, status=status, body=body, kept=kept, says_more=says_more, timeout_seconds=seconds)


def fails(name: str, outcome: NoAnswer, *pieces: bytes, then: str = "silence") -> Case:
    """The server says these pieces, which are no answer, and ends as ``then`` says."""
    seconds = SHORT if outcome == SILENT else LONG
    return Case(name, says(*pieces, then=then), outcome=outcome, timeout_seconds=seconds)


async def ended(peer: Peer, then: str) -> None:
    if then == "reset":
        peer.reset()
    elif then == "silence":
        await peer.silence()
    elif not then:
        await repeats()(peer)


def chunked(*pieces: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(pieces)


async def _endless(peer: Peer, begin: bytes, piece: bytes) -> None:
    await peer.request()
    await peer.send(begin)
    while True:
        await peer.send(piece)
        # asyncio's TLS server drops what is written to a dead connection, so that drain never waits nor raises.
        await asyncio.sleep(0)


def endless(begin: bytes, piece: bytes) -> Script:
    return lambda peer: _endless(peer, begin, piece)


async def deaf(peer: Peer) -> None:
    """Never reads, never answers."""
    await peer.server.hung_up.wait()


async def trickles(peer: Peer) -> None:
    """A piece of a body now and then, for ever."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.02)


WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
WRONG = b"HTTP/1.1 200 OK\r\nX : 1\r\nContent-Length: 2\r\n\r\nok"
ENDLESS_HEAD = endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 4000 + b"\r\n")
ENDLESS_LINE = endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 4000)
ENDLESS_INTERIM = endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 50)
ENDLESS_BODY = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096)
ENDLESS_CHUNKS = endless(chunked(), b"1;a=b\r\nx\r\n" * 500)
SHORT_TRAILERS = endless(chunked(b"2\r\nok\r\n0\r\n"), b"X:\r\n" * 1000)
ENDLESS_TRAILERS = endless(chunked(b"2\r\nok\r\n0\r\n"), b"X: " + b"a" * 4000 + b"\r\n")
CUT = b"x" * BODY_LIMIT

CASES = [
    # Framings that are right, if unusual.
    answers("whole", OK, kept=True),
    answers("byte by byte", *(OK[i : i + 1] for i in range(len(OK))), kept=True),
    answers("chunks with extensions", chunked(b"1;a=b\r\no\r\n", b'1;c="d e"\r\nk\r\n', b"0;z\r\n\r\n"), kept=True),
    answers("chunks with trailers", chunked(b"2\r\nok\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"), kept=True),
    answers("chunks byte by byte", *(bytes([byte]) for byte in chunked(b"2\r\nok\r\n0\r\nX: 1\r\n\r\n")), kept=True),
    answers("chunks with leading zeros", chunked(b"0002\r\nok\r\n000\r\n\r\n"), kept=True),
    answers("100 before", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, kept=True),
    answers("102 and 103 before", b"HTTP/1.1 102 P\r\n\r\n", b"HTTP/1.1 103 E\r\nLink: <a>\r\n\r\n", OK, kept=True),
    answers("204", b"HTTP/1.1 204 No Content\r\n\r\n", status=204, body=b"", kept=True),
    answers("304", b"HTTP/1.1 304 Not Modified\r\n\r\n", status=304, body=b"", kept=True),
    answers("an upgrade offered", WITH_LENGTH[:-2] + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\nok", kept=True),
    answers(
        "compressed",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIPPED),
        GZIPPED,
        body=GZIPPED,
        kept=True,
    ),
    answers("header lines folded", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", kept=True),
    answers("no reason phrase", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", kept=True),
    answers("line feeds alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", kept=True),
    # The connection's end is the answer's, or follows it.
    answers("HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", kept=False),
    answers(
        "HTTP/1.0 kept alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", kept=True
    ),
    answers("HTTP/1.0 until close", b"HTTP/1.0 200 OK\r\n\r\nok", kept=False, then="close"),
    answers("until close", b"HTTP/1.1 200 OK\r\n\r\no", b"k", kept=False, then="close"),
    answers("until reset", b"HTTP/1.1 200 OK\r\n\r\n", body=b"", kept=False, then="reset"),
    answers("Connection: close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", kept=False),
    answers(
        "Connection: close in chunks",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\nok\r\n0\r\n\r\n",
        kept=False,
    ),
    # The answer counts, its connection does not.
    answers("two answers in one piece", OK + OK, kept=False),
    answers("two answers to one request", OK, OK, kept=False, says_more=True),
    answers("an answer and a half", OK + OK[:20], kept=False),
    answers("noise behind the answer", OK + b"\x00noise", kept=False),
    answers(
        "a body behind a 204",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\nsurprise",
        status=204,
        body=b"",
        kept=False,
    ),
    answers("chunk sizes that are none", chunked(b"2\r\nok\r\n", b"zz\r\n"), kept=False),
    answers("a chunk longer than it says", chunked(b"2\r\nok\r\n", b"1\r\nabc\r\n"), body=b"oka", kept=False),
    answers("a body that is cut", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", kept=False, then="close"),
    answers("a body that falls silent", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", kept=False, then="silence"),
    answers("chunks that fall silent", chunked(b"2\r\nok\r\n"), kept=False, then="silence"),
    Case("a body that trickles", trickles, status=200, timeout_seconds=SHORT),
    Case("a body without end", ENDLESS_BODY, status=200, body=CUT),
    Case("chunks without end", ENDLESS_CHUNKS, status=200, body=CUT),
    Case("trailers without end", ENDLESS_TRAILERS, status=200, body=b"ok", timeout_seconds=SHORT),
    # The status counts, whatever the other lines say; the connection does not.
    answers(
        "length and chunks both",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        kept=False,
    ),
    answers(
        "chunks and length both",
        b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        status=400,
        kept=False,
    ),
    answers(
        "two lengths",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        status=503,
        kept=False,
    ),
    answers("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", kept=False),
    answers("a length beyond all", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok", kept=False),
    answers(
        "a space in a header's name",
        b"HTTP/1.1 200 OK\r\nX y: 1\r\nContent-Length: 0\r\n\r\n",
        body=b"",
        kept=False,
    ),
    answers("wrong lines, byte by byte", *(WRONG[i : i + 1] for i in range(len(WRONG))), kept=False),
    answers("an interim answer with wrong lines", b"HTTP/1.1 103 Soon\r\nX : 1\r\n\r\n", OK, kept=False),
    Case("a head without end", ENDLESS_HEAD, status=200),
    Case("a header line without end", ENDLESS_LINE, status=200),
    *(
        answers(f"wrong lines, then {then}", WRONG[:30], body=b"", kept=False, then=then)
        for then in ("close", "reset", "silence")
    ),
    # The verdict falls with the status line, also of a sound head that is cut off.
    *(
        answers(f"{name}, then {then}", piece, body=b"", kept=False, then=then)
        for name, piece in (
            ("a status line", b"HTTP/1.1 200 OK\r\n"),
            ("a part of a header", b"HTTP/1.1 200 OK\r\nContent-Le"),
        )
        for then in ("close", "reset", "silence")
    ),
    # No answer that can be read.
    fails("another protocol", NOT_HTTP, b"220 mail.example.com ESMTP\r\n"),
    fails("HTTP/2 at once", NOT_HTTP, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Case("interim answers without end", ENDLESS_INTERIM, outcome=NOT_HTTP),
    # Resets, ends and silence in every phase.
    *(
        fails(f"{name}, then {then}", outcome, *pieces, then=then)
        for name, pieces in (
            ("nothing", []),
            ("a part of the status line", [b"HTTP/1.1 2"]),
            ("only 100", [b"HTTP/1.1 100 Continue\r\n\r\n"]),
        )
        for then, outcome in (("close", CLOSED), ("reset", RESET), ("silence", SILENT))
    ),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_tls(authority: Authority) -> ssl.SSLContext:
    return authority.server_context(authority.sign("127.0.0.1"))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_every_misbehaviour_has_its_outcome(
    opening: Opening, case: Case, scheme: str, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    resent: list[None] = []
    async with (
        serving(case.script, repeats(), tls=server_tls if scheme == "https" else None) as server,
        opening(
            timeout_seconds=case.timeout_seconds,
            tls=Tls(ca_file=authority.certificate),
            observe_resend=lambda: resent.append(None),
        ) as transport,
    ):
        first = await asyncio.wait_for(transport.send(post(server.url(scheme=scheme))), LONG)
        if case.kept or case.says_more:
            await asyncio.wait_for(server.said.wait(), LONG)
            await asyncio.sleep(0.02)  # it arrives
        second = await transport.send(post(server.url(scheme=scheme)))

    _is_as_expected(first, case, scheme)
    assert isinstance(second, Answer)
    assert second.status == 200
    assert [heard.connection for heard in server.heard] == [1, 1 if case.kept else 2]
    assert not resent


def _is_as_expected(outcome: Outcome, case: Case, scheme: str) -> None:
    if case.outcome is None:
        assert isinstance(outcome, Answer)
        assert outcome.status == case.status
        if case.name == "a body that trickles":
            assert set(outcome.body) <= {ord("x")}
        else:
            assert outcome.body == case.body
    elif scheme == "https" and case.outcome == RESET:
        # Below TLS a reset may be told from an end or not.
        assert outcome in (RESET, CLOSED)
    else:
        assert outcome == case.outcome


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_never_reads_is_waited_for_until_the_deadline(
    opening: Opening, scheme: str, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    async with (
        serving(deaf, tls=server_tls if scheme == "https" else None) as server,
        opening(timeout_seconds=SHORT, tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        outcome = await asyncio.wait_for(transport.send(post(server.url(scheme=scheme), b"x" * 20_000_000)), LONG)
        server.hung_up.set()

    assert outcome == SILENT


@pytest.mark.parametrize(
    "script",
    [ENDLESS_HEAD, ENDLESS_LINE, ENDLESS_INTERIM, ENDLESS_BODY, ENDLESS_CHUNKS, ENDLESS_TRAILERS, SHORT_TRAILERS],
    ids=["head", "line", "interim answers", "body", "chunks", "trailers", "short trailers"],
)
async def test_what_has_no_end_takes_little_memory(opening: Opening, script: Script) -> None:
    async with serving(script, script) as server, opening(timeout_seconds=2 * SHORT) as transport:
        await transport.send(post(server.url()))
        tracemalloc.start()
        try:
            await transport.send(post(server.url()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 4 * 1024 * 1024


async def test_a_reset_of_an_idle_connection_costs_no_resend(opening: Opening) -> None:
    async def resets(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await asyncio.sleep(0.02)  # the first answer is taken by now
        peer.reset()

    resent: list[None] = []
    async with (
        serving(resets, repeats()) as server,
        opening(observe_resend=lambda: resent.append(None)) as transport,
    ):
        await transport.send(post(server.url()))
        await asyncio.sleep(0.1)
        outcome = await transport.send(post(server.url()))

    assert isinstance(outcome, Answer)
    assert not resent


async def test_an_http_2_server_answers_nothing_readable(opening: Opening, tmp_path: Path) -> None:
    """A server that would speak HTTP/2 only is told by ALPN that we don't."""
    authority = Authority(tmp_path)
    tls = authority.server_context(authority.sign("127.0.0.1"))
    tls.set_alpn_protocols(["h2"])
    async with (
        serving(repeats(), tls=tls) as server,
        opening(tls=Tls(ca_file=authority.certificate)) as transport,
    ):
        outcome = await transport.send(post(server.url(scheme="https")))

    assert isinstance(outcome, Answer)
