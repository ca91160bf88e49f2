"""What the transport makes of every way in which an endpoint can answer, or not."""

from __future__ import annotations

import asyncio
import gzip
import os
import resource
import socket
from contextlib import suppress

import pytest
from loopback import OK, Peer, Script, Server, closed_port, repeats, says, serving
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.transport.bounds import BODY_LIMIT
from exporter.transport.lean import pool as pool_module
from exporter.transport.lean import wire as wire_module
from exporter.transport.over_aiohttp import connection as connection_module
from exporter.transport.over_aiohttp import transport as transport_module
from exporter.transport.port import Transport

SHORT = 0.4


async def ask(opening: Opening, script: Script, *, timeout_seconds: float = LONG) -> tuple[Outcome, Server]:
    """The outcome of one request to a server that follows ``script``."""
    async with serving(script) as server, opening(timeout_seconds=timeout_seconds) as opened:
        return await opened.send(post(server.url())), server


class TestRequest:
    async def test_goes_out_as_it_was_given_with_host_and_length_only(self, transport: Transport) -> None:
        async with serving(repeats()) as server:
            url = server.url("/a%2Fb%7e?x=1&y=a|b+c%20d&x=%C3%A9&&z")
            await transport.send(post(url, Idempotency_Key="crm:1", X_Team="a"))

        (heard,) = server.heard
        assert heard.line == "POST /a%2Fb%7e?x=1&y=a|b+c%20d&x=%C3%A9&&z HTTP/1.1"
        assert heard.headers == [
            ("Host", f"127.0.0.1:{server.port}"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "crm:1"),
            ("X-Team", "a"),
            ("Content-Length", "7"),
        ]
        assert heard.body == b'{"a":1}'

    @pytest.mark.parametrize(
        ("path", "target"),
        [("", "/"), ("?a=1", "/?a=1"), ("/é", "/%C3%A9")],
    )
    async def test_has_a_target_whatever_the_url(self, transport: Transport, path: str, target: str) -> None:
        async with serving(repeats()) as server:
            await transport.send(post(server.url(path)))

        assert server.heard[0].line == f"POST {target} HTTP/1.1"

    async def test_of_several_megabytes_arrives_whole(self, transport: Transport) -> None:
        body = os.urandom(3 * 1024 * 1024)
        async with serving(repeats()) as server:
            outcome = await transport.send(post(server.url(), body))

        assert isinstance(outcome, Answer)
        assert server.heard[0].body == body

    async def test_ignores_proxies_and_credentials_of_the_environment(
        self, transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.setenv("NETRC", os.devnull)
        async with serving(repeats()) as server:
            assert isinstance(await transport.send(post(server.url())), Answer)

    async def test_never_repeats_a_cookie(self, transport: Transport) -> None:
        answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
        async with serving(repeats(answer)) as server:
            await transport.send(post(server.url(host="localhost")))
            await transport.send(post(server.url(host="localhost")))

        assert [heard.header("Cookie") for heard in server.heard] == [None, None]

    async def test_shares_a_connection_with_the_next(self, transport: Transport) -> None:
        async with serving(repeats()) as server:
            for _ in range(3):
                await transport.send(post(server.url()))

        assert [heard.connection for heard in server.heard] == [1, 1, 1]

    async def test_does_not_share_a_connection_that_is_old(
        self, transport: Transport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that a name that moved to another address is followed."""
        for module in (connection_module, pool_module):
            monkeypatch.setattr(module, "CONNECTION_SECONDS", 0.0)
        async with serving(repeats()) as server:
            for _ in range(3):
                assert isinstance(await transport.send(post(server.url())), Answer)

        assert [heard.connection for heard in server.heard] == [1, 2, 3]


class TestAnswer:
    @pytest.mark.parametrize(
        ("pieces", "then", "expected"),
        [
            pytest.param([OK], "silence", Answer(200, {}, b"ok"), id="whole"),
            pytest.param([OK[i : i + 1] for i in range(len(OK))], "silence", Answer(200, {}, b"ok"), id="byte by byte"),
            pytest.param(
                [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"],
                "silence",
                Answer(200, {}, b"ok"),
                id="chunked",
            ),
            pytest.param([b"HTTP/1.1 200 OK\r\n\r\n", b"ok"], "close", Answer(200, {}, b"ok"), id="until close"),
            pytest.param([b"HTTP/1.0 201 Created\r\n\r\nok"], "close", Answer(201, {}, b"ok"), id="HTTP/1.0"),
            pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], "silence", Answer(204, {}, b""), id="no content"),
            pytest.param(
                [b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"], "silence", Answer(200, {}, b"ok"), id="curt"
            ),
            pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", OK], "silence", Answer(200, {}, b"ok"), id="after 100"),
            pytest.param(
                [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", OK],
                "silence",
                Answer(200, {}, b"ok"),
                id="after 103",
            ),
            pytest.param(
                [b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"], "silence", Answer(999, {}, b""), id="odd status"
            ),
        ],
    )
    async def test_is_read_in_every_framing(
        self, opening: Opening, pieces: list[bytes], then: str, expected: Answer
    ) -> None:
        outcome, _ = await ask(opening, says(*pieces, then=then))

        assert isinstance(outcome, Answer)
        assert (outcome.status, outcome.body) == (expected.status, expected.body)

    async def test_has_lower_case_headers_and_the_first_of_each(self, opening: Opening) -> None:
        head = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nRETRY-AFTER: 9\r\nX-Odd: \xff\r\nContent-Length: 0\r\n\r\n"
        outcome, _ = await ask(opening, says(head))

        assert isinstance(outcome, Answer)
        assert outcome.headers["retry-after"] == "7"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_that_redirects_is_not_followed(self, opening: Opening, status: int) -> None:
        answer = f"HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
        outcome, server = await ask(opening, repeats(answer))

        assert isinstance(outcome, Answer)
        assert outcome.status == status
        assert len(server.heard) == 1

    async def test_that_is_compressed_stays_so(self, opening: Opening) -> None:
        body = gzip.compress(b"x" * 1000)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        outcome, _ = await ask(opening, says(head + body))

        assert isinstance(outcome, Answer)
        assert outcome.body == body

    async def test_may_have_a_header_line_of_20_kb(self, opening: Opening) -> None:
        outcome, _ = await ask(
            opening, says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n")
        )

        assert isinstance(outcome, Answer)

    async def test_of_64_kib_is_whole_and_keeps_its_connection(self, transport: Transport) -> None:
        body = os.urandom(BODY_LIMIT)
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {BODY_LIMIT}\r\n\r\n".encode() + body
        async with serving(repeats(answer)) as server:
            outcome = await transport.send(post(server.url()))
            await transport.send(post(server.url()))

        assert isinstance(outcome, Answer)
        assert outcome.body == body
        assert [heard.connection for heard in server.heard] == [1, 1]

    async def test_that_is_longer_by_a_byte_is_cut(self, opening: Opening) -> None:
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n".encode()
        outcome, _ = await ask(opening, says(answer + b"x" * BODY_LIMIT + b"y"))

        assert isinstance(outcome, Answer)
        assert outcome.body == b"x" * BODY_LIMIT

    async def test_of_10_mb_is_cut_and_its_connection_dropped(self, transport: Transport) -> None:
        length = 10 * 1024 * 1024
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * length
        async with serving(says(answer), repeats()) as server:
            outcome = await transport.send(post(server.url()))
            await transport.send(post(server.url()))

        assert isinstance(outcome, Answer)
        assert outcome.body == b"x" * BODY_LIMIT
        assert [heard.connection for heard in server.heard] == [1, 2]

    async def test_without_an_end_is_cut(self, opening: Opening) -> None:
        async def endless(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                await peer.send(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

        outcome, _ = await ask(opening, endless)

        assert isinstance(outcome, Answer)
        assert outcome.body == b"x" * BODY_LIMIT

    @pytest.mark.parametrize("ending", ["silence", "reset", "close"])
    @pytest.mark.parametrize(
        "framing",
        [b"Content-Length: 100\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n64\r\n"],
        ids=["length", "chunked"],
    )
    async def test_whose_body_does_not_end_counts(self, opening: Opening, framing: bytes, ending: str) -> None:
        """The verdict falls with the status line (contract.md#guarantees, 2)."""
        script = says(b"HTTP/1.1 200 OK\r\n" + framing, b"par", b"t", then=ending)
        async with (
            serving(script, repeats()) as server,
            opening(timeout_seconds=SHORT, concurrency=1) as opened,
        ):
            outcome = await opened.send(post(server.url()))
            if ending == "silence":
                await asyncio.wait_for(server.hung_up.wait(), LONG)
            await opened.send(post(server.url()))

        assert isinstance(outcome, Answer)
        assert outcome.status == 200
        assert outcome.body in (b"part", b"par", b"")  # a reset may overtake what was sent before it
        assert [heard.connection for heard in server.heard] == [1, 2]

    async def test_waits_for_a_stalling_body_less_than_for_an_answer(
        self, opening: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (transport_module, wire_module):
            monkeypatch.setattr(module, "BODY_SECONDS", 0.05)
        script = says(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n")
        outcome, _ = await asyncio.wait_for(ask(opening, script, timeout_seconds=3600), LONG)

        assert isinstance(outcome, Answer)
        assert outcome.status == 202

    async def test_that_comes_before_the_request_was_read_counts(self, transport: Transport) -> None:
        async def early(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            await peer.silence()

        async with serving(early, repeats()) as server:
            outcome = await transport.send(post(server.url(), b"x" * 20_000_000))
            await transport.send(post(server.url()))

        assert isinstance(outcome, Answer)
        assert outcome.status == 413
        assert [heard.connection for heard in server.heard] == [2]


class TestNoAnswer:
    @pytest.mark.parametrize(
        "said",
        [b"", b"HTT", b"HTTP/1.1 2", b"HTTP/1.1 100 Continue\r\n\r\n"],
        ids=["nothing", "half a word", "half a status line", "only 100"],
    )
    @pytest.mark.parametrize("ending", ["silence", "reset", "close"])
    async def test_when_the_status_line_never_comes_whole(self, opening: Opening, said: bytes, ending: str) -> None:
        outcome, server = await ask(
            opening, says(said, then=ending), timeout_seconds=SHORT if ending == "silence" else LONG
        )

        assert isinstance(outcome, NoAnswer)
        assert len(server.heard) == 1

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
            pytest.param(b"\x00\xff" * 50, id="binary"),
            pytest.param(b"HTTP/1.1 abc Fine\r\n\r\n", id="no status"),
            pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, id="interim answers without end"),
            pytest.param(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                id="another protocol yet",
            ),
        ],
    )
    async def test_when_it_cannot_be_parsed(self, opening: Opening, said: bytes) -> None:
        outcome, server = await ask(opening, says(said))

        assert isinstance(outcome, NoAnswer)
        assert outcome.reason in ("the answer is not HTTP", "the answer is an interim one (101)")
        assert len(server.heard) == 1

    @pytest.mark.parametrize("status", [200, 400, 500])
    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param(b" OK\r\nContent-Length: many\r\n\r\n", id="no length"),
            pytest.param(b" OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", id="header of 1 MB"),
            pytest.param(b" OK\r\n" + b"X: a\r\n" * 200_000 + b"\r\n", id="200,000 headers"),
            pytest.param(b" OK\r\n" + (b"X: " + b"a" * 1000 + b"\r\n") * 1_000 + b"\r\n", id="headers of 1 MB"),
            pytest.param(b" " + b"a" * 1_000_000 + b"\r\n\r\n", id="reason of 1 MB"),
        ],
    )
    async def test_but_the_status_counts_where_only_the_rest_cannot_be_parsed(
        self, opening: Opening, status: int, rest: bytes
    ) -> None:
        outcome, server = await ask(opening, says(b"HTTP/1.1 %d" % status + rest))

        assert isinstance(outcome, Answer)
        assert outcome.status == status
        assert len(server.heard) == 1

    async def test_when_the_connection_is_accepted_and_reset(self, opening: Opening) -> None:
        async def rude(peer: Peer) -> None:
            peer.reset()

        outcome, _ = await ask(opening, rude)

        assert isinstance(outcome, NoAnswer)

    async def test_when_half_of_the_request_was_read(self, transport: Transport) -> None:
        async def rude(peer: Peer) -> None:
            await peer.reader.readexactly(100_000)
            peer.reset()

        async with serving(rude) as server:
            outcome = await transport.send(post(server.url(), b"x" * 20_000_000))

        assert isinstance(outcome, NoAnswer)

    async def test_when_the_request_is_never_read(self, opening: Opening) -> None:
        async def deaf(peer: Peer) -> None:
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed has it on ReadTransport
            await peer.server.hung_up.wait()

        async with serving(deaf) as server, opening(timeout_seconds=SHORT, concurrency=1) as opened:
            outcome = await opened.send(post(server.url(), b"x" * 20_000_000))
            server.hung_up.set()

        assert outcome == NoAnswer("no answer in time")


class TestUnreachable:
    async def test_when_nobody_listens(self, transport: Transport) -> None:
        outcome = await transport.send(post(f"http://127.0.0.1:{closed_port()}/?token=hidden"))

        assert outcome == Unreachable("connection refused")

    async def test_when_the_name_does_not_exist(self, transport: Transport) -> None:
        outcome = await transport.send(post("http://nobody.invalid/?token=hidden"))

        assert isinstance(outcome, Unreachable)
        assert outcome.cause == "endpoint"
        assert outcome.reason.startswith("DNS: ")
        assert "hidden" not in outcome.reason

    async def test_when_the_connection_is_never_accepted(self, opening: Opening) -> None:
        """A connect time-out is told apart from one of the answer: nothing went out."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            port = listening.getsockname()[1]
            waiting = [socket.socket() for _ in range(4)]
            for sock in waiting:  # the system drops further attempts once its queue of one is full
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", port))
            async with opening(timeout_seconds=SHORT, concurrency=1) as opened:
                outcome = await opened.send(post(f"http://127.0.0.1:{port}/"))
            for sock in waiting:
                sock.close()

        assert outcome == Unreachable("connect time-out")

    async def test_when_there_are_too_many_open_files(self, transport: Transport) -> None:
        async with serving(repeats()) as server:
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            used = max(int(name) for name in os.listdir("/proc/self/fd")) + 1  # noqa: PTH208 - names, not paths
            taken: list[int] = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, limits[1]))
            try:
                with suppress(OSError):
                    while True:
                        taken.append(os.open(os.devnull, os.O_RDONLY))
                outcome = await transport.send(post(server.url()))
            finally:
                for descriptor in taken:
                    os.close(descriptor)
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)

            assert isinstance(outcome, Unreachable)
            assert outcome.reason.startswith("too many open files in this process, not the endpoint's fault")
            assert isinstance(await transport.send(post(server.url())), Answer)


class TestLifetime:
    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
    async def test_a_cancelled_exchange_leaves_nothing(self, transport: Transport, said: bytes) -> None:
        async with serving(says(said)) as server:
            before = asyncio.all_tasks()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT / 4):
                    await transport.send(post(server.url()))
            await asyncio.wait_for(server.hung_up.wait(), LONG)

            # The server's own task for the connection may still be ending.
            assert {task.get_coro() for task in asyncio.all_tasks() - before} <= {
                task.get_coro() for task in asyncio.all_tasks() if "connected" in repr(task.get_coro())
            }

    async def test_closing_cuts_what_is_in_flight(self, opening: Opening) -> None:
        async with serving(says(b"")) as server:
            async with asyncio.TaskGroup() as group:
                async with opening(timeout_seconds=LONG, concurrency=1) as opened:
                    sending = group.create_task(opened.send(post(server.url())))
                    await asyncio.wait_for(server.hearing.wait(), LONG)
                await asyncio.wait_for(server.hung_up.wait(), LONG)
            assert isinstance(sending.result(), NoAnswer)
