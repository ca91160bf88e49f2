"""A receiver that costs little, so that a benchmark measures the daemon: it counts, times and answers 200.

Prints ``{"port": …}`` when it listens. ``GET /count`` answers with the number of requests, ``GET /stats`` with all.
Of a request it reads where the header ends, ``content-length`` and ``idempotency-key``, and nothing else. A key that
ends in ``@<nanoseconds of the monotonic clock>`` says when its event was put on the queue; all processes of a machine
share that clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import time
from collections import defaultdict
from contextlib import suppress
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]*)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Counts:
    """What came so far."""

    def __init__(self) -> None:
        self.requests = 0
        self.first = self.last = 0.0
        self.carriers: set[asyncio.Transport] = set()
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, key: bytes) -> None:
        """Count one request and, where its key says when its event was queued, how long that took, in seconds."""
        now = time.monotonic_ns()
        self.requests += 1
        self.last = now / 1e9
        if not self.first:
            self.first = self.last
        head, at, queued = key.rpartition(b"@")
        if at and queued.isdigit():
            self.latencies[head.partition(b":")[0].decode()].append((now - int(queued)) / 1e9)

    def document(self) -> dict[str, object]:
        """For ``/stats``; latencies by destination, in seconds."""
        return {
            "requests": self.requests,
            "seconds": self.last - self.first,
            "connections": len(self.carriers),
            "latencies": self.latencies,
        }


class Connection(asyncio.Protocol):
    """One connection: bytes in, an answer for each whole request."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        # uvloop has transports of its own, so no isinstance here.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        buffer = self._buffer + data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = buffer[:end]
            length = int(match[1]) if (match := _LENGTH.search(head)) else 0
            if len(buffer) < end + 4 + length:
                break
            buffer = buffer[end + 4 + length :]
            self._receiver.request(head, self._transport)
        self._buffer = buffer


class Receiver:
    """Counts and answers."""

    def __init__(self, delay_seconds: float) -> None:
        self.counts = Counts()
        self._delay_seconds = delay_seconds
        self._loop = asyncio.get_running_loop()

    def request(self, head: bytes, transport: asyncio.Transport) -> None:
        """Answer one request, now or after the delay."""
        if head.startswith(b"POST"):
            self.counts.carriers.add(transport)
            match = _KEY.search(head)
            self.counts.note(match[1] if match else b"")
            if self._delay_seconds:
                self._loop.call_later(self._delay_seconds, transport.write, _OK)
            else:
                transport.write(_OK)
            return
        # The count alone is asked for often, and must not disturb.
        document = self.counts.document() if head.startswith(b"GET /stats") else self.counts.requests
        body = json.dumps(document).encode()
        transport.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        transport.close()


async def serve(port: int, delay_seconds: float) -> None:
    """Listen on loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    receiver = Receiver(delay_seconds)
    server = await loop.create_server(lambda: Connection(receiver), "127.0.0.1", port, backlog=1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        _run(options.port, options.delay)


def _run(port: int, delay_seconds: float) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(port, delay_seconds))
    else:
        uvloop.run(serve(port, delay_seconds))


if __name__ == "__main__":
    main()
