"""A real nats-server with JetStream for tests: on a free port of loopback, in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ports import free_port as free_port

SERVER = Path(sys.executable).with_name("nats-server")
_PATIENCE_SECONDS = 20.0


class Broker:
    """Start it, stop it, kill it, start it again: the port and what is stored stay."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream: {{store_dir: {json.dumps(str(folder / "store"))}}}\n{config}'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "nats.log").open("ab") as log:
            command: Sequence[str | Path] = [SERVER, "-c", self._config]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    async def answers(self) -> None:
        """Wait until it accepts connections."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None
