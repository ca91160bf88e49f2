"""What the tests of the transport contract share: how a transport is opened, and a request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from exporter.messages.exchange import Request
from exporter.transport.port import Transport

#: Takes what ``TransportOptions`` takes; the transport is the one under test.
Opening = Callable[..., AbstractAsyncContextManager[Transport]]

#: No test waits so long; it only keeps one from hanging.
LONG = 30.0


def post(url: str, body: bytes = b'{"a":1}', **own: str) -> Request:
    """A request; ``own`` are its own headers, with _ for -."""
    headers = tuple((name.replace("_", "-"), value) for name, value in own.items())
    return Request(url, (("Content-Type", "application/json"),), headers, body)
