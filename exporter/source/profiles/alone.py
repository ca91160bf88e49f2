"""The lock beside a file of profiles, by which a single process applies records to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from exporter.queues.journal.lease import Leases
from exporter.queues.port import QueueUnavailable
from exporter.source.profiles.port import ProfilesUnavailable

#: How often the lock is looked at.
LOOK_SECONDS: Final = 1.0
_GROUP: Final = "applying"


class Alone:
    """The lock is held. ``run`` keeps it, where its file is removed by hand.

    ``failure`` is why another process may apply records, too; None while none can.
    """

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.failure: str | None = None

    async def run(self) -> None:
        """Look after the lock until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._leases.renew()
                self.failure = None
            except QueueUnavailable as error:
                self.failure = str(error)


@asynccontextmanager
async def alone_at(path: Path) -> AsyncIterator[Alone]:
    """Wait until no other process holds the lock beside the file at ``path``, and hold it.

    Raises:
        FileLost: the file is not there.
        ProfilesUnavailable: the lock cannot be used.
    """
    leases = Leases(path, lambda _: "whoever applies records to the profiles")
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(leases.held(_GROUP))
        except QueueUnavailable as error:
            raise ProfilesUnavailable(str(error)) from error
        yield Alone(leases)
