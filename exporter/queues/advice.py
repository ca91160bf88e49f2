"""What may cost events later although the queue works now: asked by ``exporter check --connect``, not by the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Advising(Protocol):
    """A queue whose broker has settings of its own that people should know of."""

    async def advice(self) -> Sequence[str]:
        """Sentences for people, each with its remedy; none where all is well. Changes nothing.

        Raises:
            QueueUnavailable: the broker cannot be asked now, or so thorough a look finds that it refuses us.
        """
        ...
