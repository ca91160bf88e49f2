"""The whole way in under a steady stream: a real ``exporter serve`` takes, processes and tells single records.

The records come at a rate that nobody slows down, as many senders make it: a request that finds no free connection
waits for one, and its time runs from when it was due. What counts is the time of the answer, whether everything is told
a moment after the last record, and the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from pathlib import Path
from typing import Any, cast

from benchmarks.material import quantile, report
from benchmarks.processes import Failed, Used, end, until
from benchmarks.way_in.material import INLET, configuration, record

CONNECTIONS = 128
PROFILES = 10_000
_TICK_SECONDS = 0.002


class _Connection(asyncio.Protocol):
    """Sends one request after the other, and times their answers."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._sender.free.append(self)

    def close(self) -> None:
        """End the connection."""
        assert self._transport is not None
        self._transport.abort()

    def send(self, due: float, request: bytes) -> None:
        """Send a request that was due at a time of the event loop."""
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200 "):
            self._sender.refused += 1
        self._sender.seconds.append(time.monotonic() - self._due)
        self._sender.free.append(self)
        self._sender.next()


class _Sender:
    """All connections, and the requests that are due."""

    def __init__(self) -> None:
        self.free: deque[_Connection] = deque()
        self.due: deque[tuple[float, bytes]] = deque()
        self.seconds: list[float] = []
        self.refused = 0

    def next(self) -> None:
        """Send what is due, as far as connections are free."""
        while self.due and self.free:
            self.free.popleft().send(*self.due.popleft())

    async def stream(self, port: int, rate: float, seconds: float) -> None:
        """Send ``rate`` records a second for so long, and wait for every answer."""
        loop = asyncio.get_running_loop()
        head = f"POST /collection/{INLET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        begun, made = time.monotonic(), 0
        while made < rate * seconds:
            now = time.monotonic()
            while made < rate * seconds and (at := begun + made / rate) <= now:
                body = record(made * 7919 % PROFILES, made)
                self.due.append((at, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body))
                made += 1
            self.next()
            await asyncio.sleep(_TICK_SECONDS)
        while len(self.seconds) < made:  # noqa: ASYNC110 - the last answers, and nothing else goes on
            await asyncio.sleep(_TICK_SECONDS)
        for connection in self.free:
            connection.close()
        await asyncio.sleep(0)  # they are closed in the loop's next turn


def _status(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _ready(process: subprocess.Popen[Any], log: Path) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def look() -> bool:
        text = log.read_text(encoding="utf-8")
        if process.poll() is not None:
            raise Failed(f"exporter serve ended: {text[-500:]}")
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        found.extend(line for line in lines if line["event"] == "ready")
        return bool(found)

    until("exporter serve is ready", look)
    return found[0]


def chain(rate: float, seconds: float) -> dict[str, float]:
    """The numbers of one stream; raises ``Failed``."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        file, log = folder / "exporter.yaml", folder / "serve.log"
        file.write_text(json.dumps(configuration(folder)), encoding="utf-8")
        argv = [sys.executable, "-m", "exporter", "serve", "--config", str(file), "--log-format", "json"]
        with log.open("wb") as stderr:
            process = subprocess.Popen(argv, stderr=stderr, stdout=subprocess.DEVNULL, cwd=folder, env=os.environ)
        try:
            ready = _ready(process, log)
            used, sender = Used(process.pid), _Sender()
            spent, begun = used.cpu_seconds(), time.monotonic()
            asyncio.run(sender.stream(int(ready["collection_port"]), rate, seconds))
            answered = time.monotonic() - begun
            behind = int(_status(int(ready["port"]))["intake_records"] or 0)

            def told() -> bool:
                status = _status(int(ready["port"]))
                return not status["intake_records"] and not status["outbox_events"]

            until("all is told", told, seconds=300, every=0.02)
            whole = time.monotonic() - begun
            cpu, peak = used.cpu_seconds() - spent, used.peak_megabytes()
        finally:
            end(process)
    if sender.refused:
        raise Failed(f"{sender.refused} records were refused")
    return {
        "records a second": len(sender.seconds) / answered,
        "published a second": len(sender.seconds) / whole,
        "records behind at the end": float(behind),
        "p50 ms": quantile(sender.seconds, 0.5) * 1000,
        "p99 ms": quantile(sender.seconds, 0.99) * 1000,
        "CPU us a record": cpu / len(sender.seconds) * 1e6,
        "peak RSS MB": peak,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=3_500, help="records a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the stream (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    report("chain", {f"{options.rate:g} a second": chain(options.rate, options.seconds)}, options.json)


if __name__ == "__main__":
    main()
