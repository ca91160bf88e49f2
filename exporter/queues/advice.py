"""What only ``exporter check --connect`` asks of a queue, and not the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Advising(Protocol):
    """A queue whose broker has settings of its own that people should know of."""

    async def advice(self) -> Sequence[str]:
        """What may cost events later although the queue works now: sentences for people, each with its remedy; none
        where all is well. Changes nothing.

        Raises:
            QueueUnavailable: the broker cannot be asked now, or so thorough a look finds that it refuses us.
        """
        ...


class Looked(Advising, Protocol):
    """A queue as it is found. ``missing`` are the parts that opening it will make."""

    @property
    def missing(self) -> Sequence[str]:
        """Each as people call it, with its name."""
        ...

    async def check(self) -> None:
        """As ``Queue.check``, for what there is; of what is missing, whether it may be made.

        Raises:
            QueueUnavailable: with the reason.
        """
        ...
