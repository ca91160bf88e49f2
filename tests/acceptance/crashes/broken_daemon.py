"""The exporter with its one promise broken: what it has received is committed before it is delivered.

Not a test. ``test_sigkill.py`` starts it in place of the command, to see that its judge finds what gets lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from exporter.cli.app import main
from exporter.messages.message import Message
from exporter.queues.journal.subscription import JournalSubscription
from exporter.queues.port import Batch

Receive = Callable[[JournalSubscription, int], Awaitable[Batch]]
Settle = Callable[[JournalSubscription, Message], None]


def committing_first(receive: Receive, settle: Settle) -> Receive:
    """``receive``, with everything settled and committed before the dataflow sees it."""

    async def hasty(self: JournalSubscription, limit: int) -> Batch:
        batch = await receive(self, limit)
        for message in batch.messages:
            settle(self, message)
        await self.commit()
        return batch

    return hasty


def ignored(self: JournalSubscription, message: Message) -> None:
    """Settling after the delivery comes too late here."""


if __name__ == "__main__":
    JournalSubscription.receive = committing_first(JournalSubscription.receive, JournalSubscription.settle)  # type: ignore[method-assign, assignment]
    JournalSubscription.settle = ignored  # type: ignore[method-assign]
    main()
