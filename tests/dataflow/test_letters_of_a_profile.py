"""Whatever made an event a dead letter, a later delivery of its profile supersedes it (contract.md#dead-letters)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from flowing import event, flowing, until

from exporter.dataflow.dependencies import Dependencies
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


async def test_a_bug_in_building(queue: Queue, tmp_path: Path) -> None:
    """Once the bug is mended, a replay must not undo what came later."""
    broken = True

    def breaking(dependencies: Dependencies) -> Dependencies:
        real = dependencies.build

        def build(change: Any) -> Any:
            if broken and change.id == "e1":
                raise KeyError
            return real(change)

        return replace(dependencies, build=build)

    async with flowing(queue, tmp_path, dependencies=breaking) as flow:
        await flow.publish(event(1), event(2))
        await flow.settled()
        assert flow.endpoint.versions == [2]

        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            [letter] = await state.letters.page(Filter(), after=0, limit=10)
            broken = False
            await state.letters.ask(Filter(), superseded=False)
        assert (letter.reason, letter.profile_id, letter.event_id) == ("bug", "p", "e1")
        assert letter.superseded
        await flow.looked_for_replays()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)
        assert flow.endpoint.versions == [2]


async def test_a_wrong_type_inside_the_profile(queue: Queue, tmp_path: Path) -> None:
    body = orjson.loads(event(1))
    body["profile"]["segmentMembership"] = 7
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(orjson.dumps(body))
        await flow.settled()
        await flow.publish(event(2))
        await flow.settled()

        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            [letter] = await state.letters.page(Filter(), after=0, limit=10)
        assert (letter.reason, letter.profile_id, letter.event_id) == ("malformed", "p", "e1")
        assert letter.superseded
        assert flow.endpoint.versions == [2]
