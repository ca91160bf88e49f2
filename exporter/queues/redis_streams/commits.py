"""Acknowledges settled entries of a group, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exporter.queues.commit_timing import CommitTiming
from exporter.queues.port import QueueUnavailable
from exporter.queues.redis_streams.stream import Stream

_AGAIN_MOST_SECONDS = 2.0
_BATCH_MOST = 10_000


class Commits(CommitTiming):
    """Collects ids of settled entries. While Redis is away the ids stay noted, and are tried again at growing waits."""

    def __init__(
        self,
        stream: Stream,
        group: str,
        token: str,
        *,
        acknowledged: Callable[[Sequence[bytes]], None],
        failed: Callable[[], None],
    ) -> None:
        super().__init__(
            self._acknowledge,
            failed=failed,
            ended="this reader has left the stream",
            again_most_seconds=_AGAIN_MOST_SECONDS,
        )
        self._stream = stream
        self._group = group
        self._token = token
        self._acknowledged = acknowledged
        self._ids: list[bytes] = []
        self.total = 0  # how many acknowledgements of the group Redis last reported

    def settled(self, ids: Sequence[bytes]) -> None:
        """Note ids of settled entries; there may be none."""
        if ids:
            self._ids.extend(ids)
            self.note(len(ids))

    def let_go(self) -> None:
        """Drop the noted ids, because the group has a different reader by now."""
        self._ids = []

    async def _acknowledge(self) -> None:
        ids = self._ids  # ``let_go`` replaces the list
        while ids:
            # The batch stays noted until Redis has answered, even where a cancellation ends the call.
            batch = ids[:_BATCH_MOST]
            total = await self._stream.acknowledge(self._group, self._token, batch)
            if total is None:
                raise QueueUnavailable("the lease on the group has run out")
            self.total = total
            del ids[: len(batch)]
            self._acknowledged(batch)
