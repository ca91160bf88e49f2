"""Questions that ``exporter check --connect`` asks of a queue, and the daemon does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Advising(Protocol):
    """A queue whose broker has settings that people should know of."""

    async def advice(self) -> Sequence[str]:
        """Risks that may cost events later although the queue works now: sentences for people, each with a remedy.

        None where all is well. Changes nothing.

        Raises:
            QueueUnavailable: the broker cannot be asked now, or this thorough look met a refusal.
        """
        ...


class Inspection(Advising, Protocol):
    """A queue as found, with nothing made. ``missing`` are the parts that opening the queue will make."""

    @property
    def missing(self) -> Sequence[str]:
        """Kind and name of each missing part, for people."""
        ...

    async def check(self) -> None:
        """As ``Queue.check`` for the parts that exist; for a missing part, try whether making is permitted.

        Raises:
            QueueUnavailable: with the reason.
        """
        ...

    async def max_event_bytes(self, producer: str) -> int | None:
        """As ``Queue.max_event_bytes``, of a queue whose missing parts are made with their defaults."""
        ...
