"""Acknowledges in batches what has settled in one group."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exporter.queues.commit_timing import CommitTiming
from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.stream import Stream

_AGAIN_MOST_SECONDS = 2.0
_BATCH_MOST = 10_000


class Commits:
    """Collects ids. When Redis cannot be reached all stays noted, and is tried again after growing waits."""

    def __init__(
        self,
        stream: Stream,
        group: str,
        token: str,
        *,
        acknowledged: Callable[[Sequence[bytes]], None],
        failed: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._group = group
        self._token = token
        self._acknowledged = acknowledged
        self._ids: list[bytes] = []
        self._timing = CommitTiming(
            self._acknowledge,
            failed=failed,
            ended="this reader has left the stream",
            again_most_seconds=_AGAIN_MOST_SECONDS,
        )
        self.total = 0  # acknowledgements that Redis knew of at the last one

    @property
    def failure(self) -> str | None:
        """Why the last attempt failed, if it did."""
        return self._timing.failure

    def note(self, ids: Sequence[bytes]) -> None:
        """These have settled, if any."""
        if ids:
            self._ids.extend(ids)
            self._timing.note(len(ids))

    def forget(self) -> None:
        """Acknowledge nothing that was noted: it is somebody else's by now."""
        self._ids = []

    async def commit(self) -> None:
        """See ``CommitTiming.commit``."""
        await self._timing.commit()

    async def run(self) -> None:
        """Acknowledge in time, until cancelled."""
        await self._timing.run()

    async def _acknowledge(self) -> None:
        ids = self._ids  # ``forget`` puts a new list in its place
        while ids:
            # They stay noted until it is known, whatever ends this.
            batch = ids[:_BATCH_MOST]
            total = await self._stream.acknowledge(self._group, self._token, batch)
            if total is None:
                raise QueueUnavailable("the lease on the group has run out")
            self.total = total
            del ids[: len(batch)]
            self._acknowledged(batch)
