"""What a dataflow holds stays within its window, whatever becomes of its events (contract.md#guarantees, 5)."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flowing import event, flowing, until

from exporter.dataflow.reading import SharedReading
from exporter.messages.message import Message
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.letter import Full, NewLetter, Unavailable


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Refusing:
    """Letters whose store fails while ``failure`` is set."""

    def __init__(self, real: DataflowLetters, failure: Full | Unavailable) -> None:
        self._real = real
        self.failure: Full | Unavailable | None = failure
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[tuple[str, str, int]] = ()) -> Any:
        self.tries += 1
        return self.failure or await self._real.put(letters, supersede)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(Unavailable("disk full"), "state"), (Full(), "dead_letters_full")],
    ids=["unavailable", "full"],
)
async def test_events_that_wait_to_become_dead_letters_fill_the_window(
    queue: Queue, tmp_path: Path, failure: Full | Unavailable, reason: str
) -> None:
    """A producer that sends rubbish while nothing can be stored: the rubbish stays in the queue, not in memory."""
    refusing: list[Refusing] = []

    def wrap(real: DataflowLetters) -> Any:
        refusing.append(Refusing(real, failure))
        return refusing[0]

    async with flowing(queue, tmp_path, letters=wrap, window_events=50) as flow:
        await flow.publish(*(b"{" + b" " * 1000 for _ in range(400)))
        await until(lambda: refusing and refusing[0].tries > 10)
        assert flow.flow.dependencies.outbox.reasons == {reason}
        assert flow.count("exporter_events_received_total") <= 250

        refusing[0].failure = None
        await flow.publish(event(1))
        await flow.settled()
        assert flow.endpoint.versions == [1]


async def test_what_was_read_for_several_dataflows_is_remembered_within_a_few_megabytes() -> None:
    reading = SharedReading(1 << 20)
    tracemalloc.start()
    try:
        for position in range(400):
            reading(Message("0", position, event(position).replace(b'"id":', b" " * 200_000 + b'"id":'), 0.0))
            if not position % 50:
                await asyncio.sleep(0)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 16 << 20
