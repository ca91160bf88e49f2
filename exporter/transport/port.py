"""The seam between dataflows and the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from exporter.messages.exchange import Outcome, Request


class Stale(msgspec.Struct, frozen=True, gc=False):
    """No byte of an answer came over a connection that had served before: the endpoint had closed the connection.

    ``deadline`` is that of the whole attempt, in the event loop's seconds.
    """

    deadline: float


#: Hears once how a request ended that ``begin`` wrote.
Done: TypeAlias = Callable[[Outcome | Stale], None]


class Transport(Protocol):
    """Sends requests over kept-alive connections."""

    async def send(self, request: Request) -> Outcome:
        """Make one attempt within the transport's own deadline. A network failure is an outcome, and never raised."""
        ...


@runtime_checkable
class CallbackTransport(Transport, Protocol):
    """A transport that can also do without a coroutine, which is most of what waiting for an answer costs."""

    def begin(self, request: Request, done: Done) -> bool:
        """Write the request and return; ``done`` is called later, or before this returns where it is Stale at once.

        Returns False, and does nothing, where the attempt would have to wait for something else first, such as a
        connection: that is for ``send``.
        """
        ...

    async def resend(self, request: Request, stale: Stale) -> Outcome:
        """Go on, on a new connection, with an attempt that ended as ``stale``."""
        ...

    def give_up(self) -> None:
        """End every exchange now, without an answer."""
        ...
