"""``exporter top`` on a real terminal, beside an ops port on a real socket."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from test_status import CRM, WEB, desk, told

from exporter.daemon.ops.port import serve
from exporter.telemetry.status import ConfigStatus


class OnTerminal:
    """The command on a terminal of 24 lines of 100 characters."""

    def __init__(self, *words: str, term: str = "xterm-256color") -> None:
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = termios.tcgetattr(terminal)
        self._terminal = terminal
        environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "top", *words],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**environ, "TERM": term},
            start_new_session=True,
        )
        self._shown = b""

    async def until(self, pattern: str) -> str:
        """What was shown up to ``pattern``, and no longer than that."""
        async with asyncio.timeout(60):
            while not (found := re.search(pattern, self._shown.decode("utf-8", "replace"), re.DOTALL)):
                self._shown += await asyncio.to_thread(os.read, self._controller, 65536)
        text = self._shown.decode("utf-8", "replace")
        self._shown = text[found.end() :].encode()
        return text[: found.end()]

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._controller, keys)

    async def end(self) -> int:
        """The exit code, once it has ended; the terminal is as it was before."""
        code = await asyncio.to_thread(self.process.wait, 60)
        assert termios.tcgetattr(self._terminal) == self.before
        return code

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self._controller)
        os.close(self._terminal)


@asynccontextmanager
async def on_terminal(*words: str, term: str = "xterm-256color") -> AsyncIterator[OnTerminal]:
    top = OnTerminal(*words, term=term)
    try:
        yield top
    finally:
        top.close()


async def test_it_shows_what_is_and_what_becomes_and_q_ends_it() -> None:
    flows = [CRM, WEB]
    async with (
        serve("127.0.0.1", 0, desk(lambda: told(*flows))) as port,
        on_terminal("--url", f"http://127.0.0.1:{port}") as top,
    ):
        shown = await top.until("total of 2")
        assert "2 destinations: 1 paused, 1 running" in shown
        assert shown.index("web") < shown.index("crm "), "the worst first"
        assert "unreachable, next probe in" in shown
        flows[1] = replace(WEB, state="running", paused=())
        await top.until("2 destinations: 2 running")
        top.press(b"xq")
        assert await top.end() == 0


async def test_mistakes_leave_room_for_destinations() -> None:
    problems = tuple(f"exporter.yaml:{number}: key{number}: unknown key" for number in range(30))
    refused = ConfigStatus(valid=False, problems=problems)
    async with (
        serve("127.0.0.1", 0, desk(lambda: told(CRM, WEB, config=refused))) as port,
        on_terminal("--url", f"http://127.0.0.1:{port}") as top,
    ):
        shown = await top.until("total of 2")
        assert "the daemon refused the configuration" in shown
        assert "27 further lines" in shown
        top.press(b"q")
        assert await top.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_the_terminal_is_as_before(number: signal.Signals) -> None:
    async with (
        serve("127.0.0.1", 0, desk(lambda: told(CRM))) as port,
        on_terminal("--url", f"http://127.0.0.1:{port}") as top,
    ):
        await top.until("total of 1")
        top.process.send_signal(number)
        assert await top.end() == 0


async def test_a_key_is_heard_while_a_daemon_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        hanging.settimeout(60)
        async with on_terminal("--url", f"http://127.0.0.1:{hanging.getsockname()[1]}") as top:
            asked, _ = await asyncio.to_thread(hanging.accept)
            with asked:
                top.press(b"q")
                assert await top.end() == 0, "and not 1, which says that none has answered in time"


async def test_it_waits_for_a_daemon_that_starts_again() -> None:
    async with serve("127.0.0.1", 0, desk(lambda: told(CRM))) as port:
        top = OnTerminal("--url", f"http://127.0.0.1:{port}")
        try:
            await top.until("total of 1")
        except BaseException:
            top.close()
            raise
    try:
        await top.until("no daemon answers at")
        async with serve("127.0.0.1", port, desk(lambda: told(CRM, WEB))):
            await top.until("total of 2")
            top.press(b"q")
            assert await top.end() == 0
    finally:
        top.close()


def test_without_a_terminal_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "top"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "`exporter status --watch`" in done.stderr


async def test_a_terminal_that_cannot_be_drawn_on_is_none() -> None:
    async with on_terminal("--url", "http://127.0.0.1:1", term="dumb") as top:
        assert "status --watch" in await top.until("without one")
        assert await top.end() == 2


async def test_no_daemon_at_first_is_a_failure() -> None:
    async with on_terminal("--url", "http://127.0.0.1:1") as top:
        await top.until("no daemon answers at")
        assert await top.end() == 1
