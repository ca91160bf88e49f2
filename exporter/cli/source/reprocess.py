"""``exporter source reprocess``: what the intake still holds is put at its end again, and applied anew in its turn.

Each message keeps its name and the time at which it was taken, so no older one overwrites what is newer, and what a
record says as it did before is not told again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.moments import moment
from exporter.sections.printable import agreeing, counted

if TYPE_CHECKING:
    from exporter.messages.message import Message
    from exporter.queues.port import Queue, Subscription

#: The group that reads the intake meanwhile.
READER = "exporter.source.reprocess"
_BATCH = 500


def reprocess(
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="TIME", help="Choose those taken since then: RFC 3339, or an age such as 90s, 1h, 2d."
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Apply records anew that were applied before.

    They go through the flows and mappings that are in force now.

    Those that the intake still holds: intake.retain says for how long. They stand at its end again when the command
    returns, deletions among them, and `exporter serve` applies them in their turn. Nothing older overwrites what is
    newer, and what did not change is not told again. Needs an intake of kind journal.
    """
    import asyncio

    from exporter.cli.shared.look.progress import progress
    from exporter.cli.shared.queue import fail
    from exporter.daemon.serving.parts import GROUP
    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.queues.kinds import open_queue
    from exporter.queues.port import GroupInUse, QueueFull, QueueUnavailable
    from exporter.settings.whereabouts import not_yet_made

    begin = moment("--since", since)
    intake = load_or_exit(config).settings.intake
    if intake.kind != "journal":
        fail(f"intake: only a journal can be reprocessed, and this one is of kind {intake.kind}")
    reprocessing = Reprocessing(round((begin or 0.0) * 1000))

    async def run() -> None:
        async with open_queue(intake, (GROUP,), lambda text: typer.echo(f"note: {text}", err=True)) as queue:
            total = await reprocessing.begin(queue, GROUP)
            with progress("reading", total) as advance:
                await reprocessing.run(queue, advance)

    trouble = None
    if not_yet_made(intake) is None:
        try:
            asyncio.run(run())
        except GroupInUse:
            trouble = "another `exporter source reprocess` is under way"
        except (DatabaseRefused, DatabaseUnavailable, QueueFull, QueueUnavailable) as error:
            trouble = f"the intake: {error}"
    typer.echo(reprocessing.as_json() if as_json else reprocessing.text())
    if trouble is not None:
        fail(trouble)


@dataclass(slots=True)
class Reprocessing:
    """Reads the intake from its begin up to where it is applied. First ``begin``, then ``run``.

    Attributes:
        since: epoch milliseconds; what was taken before stays as it is.
        asked: how many messages stand at the end of the intake again.
        older: how many were taken before ``since``.
        unreadable: how many are none of this version; they are bad records already.
    """

    since: int
    asked: int = 0
    older: int = 0
    unreadable: int = 0
    _after: int = 0
    _to: int = 0

    async def begin(self, queue: Queue, group: str) -> int:
        """How many messages there are to read: those that ``group`` has applied. ``queue`` counts without gaps.

        Raises:
            GroupInUse: another one reads.
            QueueUnavailable: the queue cannot be read now.
        """
        with suppress(KeyError):  # what one that was killed has left
            await queue.drop(READER)
        async with queue.subscribe(READER, "earliest"):
            places = {each.group: each.settled_to for each in await queue.positions()}
        self._after, self._to = places[READER], places.get(group, 0)
        return max(0, self._to - self._after)

    async def run(self, queue: Queue, advance: Callable[[int], None]) -> None:
        """Put each message at the end again, once, also where it stands there several times.

        Raises:
            QueueFull: there is no room for more.
            QueueUnavailable: the queue cannot be read or written now.
        """
        try:
            async with queue.subscribe(READER, "earliest") as reading:
                await self._read(queue, reading, advance)
        finally:
            await queue.drop(READER)

    async def _read(self, queue: Queue, reading: Subscription, advance: Callable[[int], None]) -> None:
        from exporter.queues.port import LaneLost, Outgoing
        from exporter.source.collection.taken import TakenRecord
        from exporter.source.collection.wish import Wish

        seen: set[str] = set()
        at = self._after
        while at < self._to:
            batch = await reading.receive(_BATCH)
            if isinstance(batch, LaneLost):
                continue
            begun = [message for message in batch.messages if message.position <= self._to]
            wanted = [message.body for message in begun if self._is_wanted(message, seen)]
            again = [Outgoing(None, Wish.put_again(body) or TakenRecord.put_again(body)) for body in wanted]
            await queue.publish(again)
            self.asked += len(again)
            for message in batch.messages:
                reading.settle(message)
            at = batch.messages[-1].position
            advance(len(begun))

    def _is_wanted(self, message: Message, seen: set[str]) -> bool:
        from exporter.source.collection.taken import TakenRecord, UnreadableRecord
        from exporter.source.collection.wish import Wish

        try:
            taken = Wish.in_message(message.body) or TakenRecord.from_bytes(message.body)
        except UnreadableRecord:
            self.unreadable += 1
            return False
        if taken.taken < self.since:
            self.older += 1
            return False
        if taken.xaction_id in seen:
            return False
        seen.add(taken.xaction_id)
        return True

    def as_json(self) -> str:
        """A JSON object."""
        return json.dumps({"asked": self.asked, "older": self.older, "unreadable": self.unreadable})

    def text(self) -> str:
        """The result for people."""
        lines = [f"{counted(self.asked, 'record')} of the intake will be applied anew"]
        if self.unreadable:
            what = agreeing(self.unreadable, "a bad record that cannot be read", "bad records that cannot be read")
            lines.append(f"{self.unreadable} left out: {what}")
        return "\n".join(lines)
