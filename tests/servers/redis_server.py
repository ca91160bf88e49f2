"""A real Redis for tests, on a port and in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port as free_port

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
CLI = shutil.which("redis-cli") or shutil.which("valkey-cli")

needs_redis = pytest.mark.skipif(
    REDIS is None or CLI is None,
    reason="neither redis-server nor valkey-server is on the PATH (Debian: apt-get install redis-server)",
)

_START_SECONDS = 20.0


class RedisServer:
    """Started and stopped at will; keeps its port and its folder."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert REDIS is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        base = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "")
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([REDIS, *base, *self.options], stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "redis.log").read_text()
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                answer = connection.recv(100)
        except OSError:
            return False
        return bool(answer) and not answer.startswith(b"-LOADING")

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """As its owner would: what it has is written."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def cli(self, *command: str, options: Sequence[str] = ()) -> str:
        """What redis-cli says to a command."""
        assert CLI is not None
        said = subprocess.run(
            [CLI, "-p", str(self.port), *options, *command], capture_output=True, text=True, timeout=30, check=True
        )
        return said.stdout.strip()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[RedisServer]:
    """One for the length of a test."""
    server = RedisServer(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


Starting = Callable[..., RedisServer]
