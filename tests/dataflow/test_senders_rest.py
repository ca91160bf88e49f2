"""Senders that find nothing to send rest for a moment, take what comes then, and end with their dataflow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from flowing import Endpoint, event, flowing, until

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request
from exporter.messages.message import Message
from exporter.queues.memory import MemoryQueue, open_memory


@pytest.mark.parametrize("sending", ["by coroutine"], indirect=True)
async def test_senders_serve_one_burst_after_the_other_and_then_end(tmp_path: Path) -> None:
    senders: set[asyncio.Task[None] | None] = set()

    async def answer(request: Request) -> Outcome:
        senders.add(asyncio.current_task())
        await asyncio.sleep(0)
        return Answer(200, {}, b"")

    async with (
        open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue,
        flowing(queue, tmp_path, Endpoint(answer)) as flow,
    ):
        for burst in range(20):
            await flow.publish(*(event(20 * burst + n, f"p{n}") for n in range(20)))
            await until(lambda: len(flow.endpoint.versions) == 20 * (burst + 1))  # noqa: B023 - asked at once
        await flow.settled()
        assert sorted(flow.endpoint.versions) == list(range(400))
        # As many as attempts were in flight at a time, and not one for each burst's exports.
        assert len(senders) < 100

        def all_ended() -> bool:
            return all(sender is not None and sender.done() for sender in senders)

        await until(all_ended)
        await flow.publish(event(400))
        await until(lambda: flow.endpoint.versions[-1] == 400)
        await flow.settled()


async def test_no_timer_outlives_a_dataflow_that_ends_by_a_bug(tmp_path: Path) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))

    async def refuse(request: Request) -> Outcome:
        return NoAnswer("reset")

    class Breaking(MemoryQueue):
        async def after(self, position: int, limit: int) -> Sequence[Message]:
            if position:
                await until(lambda: endpoint.versions)
                raise ZeroDivisionError
            return await super().after(position, limit)

    endpoint = Endpoint(refuse)
    queue = Breaking(1 << 30, ["exporter.d"], lambda _: None)

    async def run() -> None:
        async with flowing(queue, tmp_path, endpoint, retries=(0.3, 0.3)) as flow:
            await flow.publish(event(1))
            await asyncio.wait([flow.running])

    with pytest.raises(ExceptionGroup):
        await run()
    tried = len(endpoint.versions)
    await asyncio.sleep(1.5)  # its retry was due, and who rested would have been let go
    assert len(endpoint.versions) == tried
    assert complaints == []
