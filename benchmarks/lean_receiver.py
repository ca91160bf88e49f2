"""A receiver that costs little, so that a benchmark measures the daemon: counts, times and answers requests.

Prints ``{"port": …}`` when listening. ``GET /count`` answers with the number of requests, ``GET /stats`` with all
counts. Of a request only the end of the header, ``content-length`` and ``idempotency-key`` are read. A key that ends in
``@<nanoseconds of the monotonic clock>`` says when its event was put on the queue; all processes of a machine share
that clock. With ``--limit`` every request beyond the limit is refused, with 429 and at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import time
from collections import defaultdict, deque
from contextlib import suppress
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]*)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


class Counts:
    """The counts so far."""

    def __init__(self) -> None:
        self.requests = 0
        self.first = self.last = 0.0
        self.carriers: set[asyncio.Transport] = set()
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)
        self.queued: defaultdict[str, list[int]] = defaultdict(list)

    def note(self, key: bytes) -> None:
        """Count a request and, where the key says when the event was queued, the time since then, in seconds."""
        now = time.monotonic_ns()
        self.requests += 1
        self.last = now / 1e9
        if not self.first:
            self.first = self.last
        head, at, queued = key.rpartition(b"@")
        if at and queued.isdigit():
            destination = head.partition(b":")[0].decode()
            self.latencies[destination].append((now - int(queued)) / 1e9)
            self.queued[destination].append(int(queued))

    def document(self) -> dict[str, object]:
        """The counts for ``/stats``; by destination latencies in seconds, and when what had them was queued."""
        return {
            "requests": self.requests,
            "seconds": self.last - self.first,
            "connections": len(self.carriers),
            "latencies": self.latencies,
            "queued": self.queued,
        }


class Limit:
    """At most so many requests within any second; a refused request does not count against the next.

    Keeps the accepted requests by tenths of a second, the number of refused requests, and the most requests in any
    second.
    """

    def __init__(self, a_second: int) -> None:
        self._a_second = a_second
        self._came: deque[float] = deque()
        self._accepted: deque[float] = deque()
        self._first = 0.0
        self._tenths: defaultdict[int, int] = defaultdict(int)
        self._refused = 0
        self._most = 0

    def accepts(self, now: float) -> bool:
        """Whether a further request at ``now``, in seconds, is within the limit."""
        self._first = self._first or now
        _forget(self._came, now - 1.0)
        _forget(self._accepted, now - 1.0)
        self._came.append(now)
        self._most = max(self._most, len(self._came))
        if len(self._accepted) >= self._a_second:
            self._refused += 1
            return False
        self._accepted.append(now)
        self._tenths[int((now - self._first) * 10)] += 1
        return True

    def document(self) -> dict[str, object]:
        """The counts for ``/stats``; ``accepted`` by tenths of a second since the first request."""
        tenths = range(max(self._tenths, default=-1) + 1)
        accepted = [self._tenths.get(tenth, 0) for tenth in tenths]
        return {"refused": self._refused, "most in a second": self._most, "accepted": accepted}


def _forget(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()


class Connection(asyncio.Protocol):
    """A connection: bytes in, an answer for each whole request."""

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
    """Counts and answers requests."""

    def __init__(self, delay_seconds: float, limit: Limit | None) -> None:
        self.counts = Counts()
        self._delay_seconds = delay_seconds
        self._limit = limit
        self._loop = asyncio.get_running_loop()

    def request(self, head: bytes, transport: asyncio.Transport) -> None:
        """Answer a request, now or after the delay."""
        if head.startswith(b"POST"):
            self.counts.carriers.add(transport)
            match = _KEY.search(head)
            self.counts.note(match[1] if match else b"")
            if self._limit is not None and not self._limit.accepts(time.monotonic()):
                transport.write(_TOO_MANY)
            elif self._delay_seconds:
                self._loop.call_later(self._delay_seconds, transport.write, _OK)
            else:
                transport.write(_OK)
            return
        # The count alone is asked for often, and must not disturb.
        document = self._document() if head.startswith(b"GET /stats") else self.counts.requests
        body = json.dumps(document).encode()
        transport.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        transport.close()

    def _document(self) -> dict[str, object]:
        return self.counts.document() | (self._limit.document() if self._limit is not None else {})


async def serve(port: int, delay_seconds: float, limit: int | None) -> None:
    """Listen on loopback until SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    receiver = Receiver(delay_seconds, None if limit is None else Limit(limit))
    server = await loop.create_server(lambda: Connection(receiver), "127.0.0.1", port, backlog=4096)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer 200")
    parser.add_argument("--limit", type=int, help="answer 429 to more than this in any second")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        _run(options.port, options.delay, options.limit)


def _run(port: int, delay_seconds: float, limit: int | None) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(port, delay_seconds, limit))
    else:
        uvloop.run(serve(port, delay_seconds, limit))


if __name__ == "__main__":
    main()
