"""The exporter with its one promise broken: what it has received is committed before it is delivered.

Not a test. ``test_sigkill.py`` starts it in place of the command, to see that its judge finds what gets lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from exporter.cli.app import main
from exporter.messages.message import Message
from exporter.queues.journal.subscription import Reading
from exporter.queues.port import Batch

Receive = Callable[[Reading, int], Awaitable[Batch]]
Settle = Callable[[Reading, Message], None]


def committing_first(receive: Receive, settle: Settle) -> Receive:
    """``receive``, with everything settled and committed before the dataflow sees it."""

    async def hasty(self: Reading, limit: int) -> Batch:
        batch = await receive(self, limit)
        for message in batch.messages:
            settle(self, message)
        await self.commit()
        return batch

    return hasty


def ignored(self: Reading, message: Message) -> None:
    """Settling after the delivery comes too late here."""


if __name__ == "__main__":
    Reading.receive = committing_first(Reading.receive, Reading.settle)  # type: ignore[method-assign, assignment]
    Reading.settle = ignored  # type: ignore[method-assign]
    main()
