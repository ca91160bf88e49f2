"""The exporter with an outbox that forgets slowly what was told, so that kills fall between the two.

With ``BROKEN`` in the environment the events go to the queue without their numbers.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from exporter.cli.app import main
from exporter.queues.journal.queue import JournalQueue
from exporter.source.profiles.sqlite.store import SqliteProfiles

_delete, _publish = SqliteProfiles.delete_told, JournalQueue.publish


async def _slowly(store: SqliteProfiles, to: int) -> None:
    await asyncio.sleep(0.05)
    await _delete(store, to)


async def _without_numbers(queue: JournalQueue, messages: Any, numbered: Any = None) -> int:
    return await _publish(queue, messages)


SqliteProfiles.delete_told = _slowly  # type: ignore[method-assign, assignment]
if "BROKEN" in os.environ:
    JournalQueue.publish = _without_numbers  # type: ignore[method-assign, assignment]
main()
