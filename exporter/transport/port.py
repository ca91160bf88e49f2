"""The seam between dataflows and the wire."""

from __future__ import annotations

from typing import Protocol

from exporter.messages.exchange import Outcome, Request


class Transport(Protocol):
    """Sends requests over kept-alive connections."""

    async def send(self, request: Request) -> Outcome:
        """Make one attempt within the transport's own deadline. A network failure is an outcome, and never raised."""
        ...
