"""What the parts of a connection know of their listener and of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.server.bounds import Bounds
from exporter.source.collection.server.exchange import Exchange, Owner
from exporter.source.collection.server.memory import Memory
from exporter.source.collection.server.outgoing import Ending
from exporter.source.collection.taking import Taking


class Home(Protocol):
    """The listener. ``date`` is the field that answers have; ``draining``: connections end when all is answered."""

    loop: asyncio.AbstractEventLoop
    taking: Taking
    memory: Memory
    bounds: Bounds
    date: bytes
    draining: bool

    def judge(self, exchange: Exchange, judged: Callable[[Exchange, bool | Answer], None]) -> None:
        """Have the token of ``exchange`` judged, and call ``judged``."""
        ...

    def answered(self, exchange: Exchange, answer: Answer) -> None:
        """An answer goes out."""
        ...

    def fault(self, error: Exception) -> None:
        """A request met a fault of ours."""
        ...


class Outlet(Owner, Protocol):
    """The connection."""

    def close(self, ending: Ending) -> None:
        """Nothing more is read or answered."""
        ...
