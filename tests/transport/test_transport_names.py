"""Names that take long to look up hold up nobody else, on both transports."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from certificates import Authority
from loopback import repeats, serving
from names import Found, at, silence, stand_in, until_asked
from transport_contract import LONG, Opening, post

from exporter.messages.exchange import Answer, Unreachable
from exporter.sections.tls import Tls
from exporter.transport.resolver import Resolver

#: More than an event loop has threads for look-ups.
_MANY = 40


async def test_those_that_nobody_answers_for_do_not_keep_others_waiting(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(repeats()) as server, AsyncExitStack() as stack:
        asked = stack.enter_context(silence(monkeypatch))
        slow = [await stack.enter_async_context(opening(timeout_seconds=LONG)) for _ in range(_MANY)]
        transport = await stack.enter_async_context(opening(timeout_seconds=LONG))
        async with asyncio.TaskGroup() as tasks:
            sending = [
                tasks.create_task(each.send(post(f"http://slow-{number}.test/"))) for number, each in enumerate(slow)
            ]
            for number in range(_MANY):
                await until_asked(asked, f"slow-{number}.test")
            assert isinstance(await transport.send(post(server.url())), Answer)
            assert not any(each.done() for each in sending)
            for each in sending:
                each.cancel()


async def test_one_that_nobody_waits_for_any_more_is_not_asked_for_again(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silence(monkeypatch) as asked:
        async with opening(timeout_seconds=0.1) as transport:
            outcomes = [await transport.send(post("http://slow.test/")) for _ in range(3)]

    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert asked == ["slow.test"]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_one_that_ends_in_a_dot_is_looked_up_with_it_and_told_without(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    authority = Authority(tmp_path)
    tls = authority.server_context(authority.sign("whole.test")) if scheme == "https" else None
    looked_up: list[str] = []
    async with (
        serving(repeats(), tls=tls) as server,
        opening(timeout_seconds=LONG, concurrency=1, tls=Tls(ca_file=authority.certificate)) as transport,
    ):

        def notes(host: str) -> Found:
            looked_up.append(host)
            return at(server.port)

        stand_in(monkeypatch, notes)
        assert isinstance(await transport.send(post(f"{scheme}://whole.test.:{server.port}/")), Answer)

    assert looked_up == ["whole.test."]
    assert server.heard[0].header("Host") == f"whole.test:{server.port}"


async def test_an_address_is_not_looked_up(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(repeats()) as server:
        with silence(monkeypatch) as asked:
            async with opening(timeout_seconds=LONG) as transport:
                assert isinstance(await transport.send(post(server.url())), Answer)
    assert asked == []


@pytest.mark.parametrize("kind", ["lean", "aiohttp"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_process_ends_whoever_is_still_asked(loop: str, kind: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="this platform has no uvloop")
    program = f"""
import asyncio, socket, time, {loop}

def look_up(*_, flags=0, **__):
    if flags & socket.AI_NUMERICHOST:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    time.sleep(600)

socket.getaddrinfo = look_up
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.messages.exchange import Request

async def main():
    async with open_transport("{kind}", TransportOptions(timeout_seconds=0.2, concurrency=1)) as transport:
        print(type(await transport.send(Request("http://slow.test/", (), (), b"{{}}"))).__name__)

{loop}.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Unreachable\n", "")


async def test_a_look_up_that_fails_as_nobody_foresaw_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread would be gone, and whoever asks for the name later would join it for ever."""
    asked = 0

    def out_of_memory(host: str, *_: object, flags: int = 0, **__: object) -> list[object]:
        nonlocal asked
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "it is a name")
        asked += 1
        raise MemoryError

    monkeypatch.setattr(socket, "getaddrinfo", out_of_memory)
    resolver = Resolver(asyncio.get_running_loop())
    for time in (1, 2):
        async with asyncio.timeout(30):
            with pytest.raises(socket.gaierror, match="MemoryError"):
                await resolver.addresses("partner.example.com", 443)
        assert asked == time
