"""A join, as an event of the queue: its export waits for what is left of the profiles that its own has absorbed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from flowing import OK, Endpoint, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.memory import open_memory


async def test_a_join_is_sent_after_the_dead_letter_of_what_it_absorbed(tmp_path: Path) -> None:
    may_answer = asyncio.Event()

    async def answers(request: Request) -> Outcome:
        if b'"version":1}' in request.body:
            await may_answer.wait()
            return Answer(400, {}, b"")
        await asyncio.sleep(0.005)  # with no round trip at all there is nothing to gain from concurrency
        return OK

    async with (
        open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue,
        flowing(queue, tmp_path, Endpoint(answers)) as flow,
    ):
        await flow.publish(*(event(number, f"p{number}") for number in range(100, 400)))
        await flow.settled()
        assert flow.flow.dependencies.outbox.concurrency > 4
        await flow.publish(event(1, "b"), event(2, "a", joined=["x", "b"]), event(3, "a"), event(4, "c", joined=["d"]))
        await until(lambda: 4 in flow.endpoint.versions)
        assert not {2, 3} & set(flow.endpoint.versions)
        may_answer.set()
        await flow.settled()
        assert [version for version in flow.endpoint.versions if version < 4] == [1, 2, 3]
