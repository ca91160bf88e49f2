"""Refused elements of batches on their way into their ring: off the data plane's path, bounded, and told where lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from exporter.source.collection.checks.collected import Refused
from exporter.state.bad_record import REFUSED, NewBadRecord
from exporter.state.letter import Stored, Unavailable

#: So many bytes may wait while the state is away or locked; beyond it the oldest go.
WAITING_BYTES: Final = 8 * 1024 * 1024
#: The most elements of one write.
BATCH_ELEMENTS: Final = 500
#: What a place costs besides the element's bytes.
_OVERHEAD_BYTES: Final = 200


class RefusedElements:
    """Keeps refused elements in the background. ``run`` does the work.

    Args:
        remember: puts letters into the ring.
        source_of: the name of the connection of an inlet, by the inlet's id.
        epoch: reads epoch seconds.
        delay: the seconds before try n of a state that is away, n from 0.
        lost: is told how many elements were left out while the state was away.
    """

    def __init__(
        self,
        remember: Callable[[Sequence[NewBadRecord]], Awaitable[Stored | Unavailable]],
        source_of: Callable[[str], str],
        epoch: Callable[[], float],
        delay: Callable[[int], float],
        lost: Callable[[int], None],
    ) -> None:
        self._remember = remember
        self._source_of = source_of
        self._epoch = epoch
        self._delay = delay
        self._lost = lost
        self._waiting: deque[Refused] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()

    def note(self, refused: Sequence[Refused]) -> None:
        """Have them kept soon. Never waits: while the state is away, the oldest go."""
        self._waiting += refused
        self._bytes += sum(map(_size, refused))
        gone = 0
        while self._bytes > WAITING_BYTES and len(self._waiting) > 1:
            self._bytes -= _size(self._waiting.popleft())
            gone += 1
        if gone:
            self._lost(gone)
        if self._waiting:
            self._none.clear()
            self._more.set()

    async def kept(self) -> None:
        """Return when all that was noted is kept."""
        await self._none.wait()

    async def run(self) -> None:
        """Keep what is noted until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_ELEMENTS, len(self._waiting)))]
                self._bytes -= sum(map(_size, batch))
                letters = [self._letter(each) for each in batch]
                failures = 0
                while not isinstance(await self._remember(letters), Stored):
                    await asyncio.sleep(self._delay(failures))
                    failures += 1
            self._none.set()

    def _letter(self, refused: Refused) -> NewBadRecord:
        return NewBadRecord(
            name=f"{refused.batch_id}:{refused.index}",
            inlet=refused.inlet,
            source=self._source_of(refused.inlet),
            flow="",
            dataset="",
            reason=REFUSED,
            detail=refused.reason,
            taken=refused.taken,
            kept=int(self._epoch() * 1000),
            message=refused.body,
        )


def _size(refused: Refused) -> int:
    return len(refused.body) + _OVERHEAD_BYTES
