"""Replays when the store cannot say what it knows, or the mapping no longer wants them (contract.md#dead-letters)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, Outcome, Request
from exporter.profile.decision import Excluded
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import Progress
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, Letter
from exporter.state.port import StateUnavailable
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


async def ask(folder: Path) -> None:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        await state.letters.ask(Filter(), superseded=False)


async def reject(request: Request) -> Outcome:
    return Answer(422, {}, b"no")


async def accept(request: Request) -> Outcome:
    return OK


class Unreadable:
    """Letters that cannot be read the first times that they are asked for, or about."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.requests = 0
        self.questions = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def requested(self, limit: int) -> Sequence[Letter]:
        self.requests += 1
        if self.requests == 1:
            raise StateUnavailable("locked")
        return await self._real.requested(limit)

    async def superseded(self, letter_id: int) -> bool:
        self.questions += 1
        if self.questions == 1:
            # As the real store: who cannot be told must not send, and is given the letter again.
            self._real.let_go("another lane", [letter_id])
            raise StateUnavailable("locked")
        return await self._real.superseded(letter_id)


async def test_it_is_not_sent_before_the_store_says_that_it_may(queue: Queue, tmp_path: Path) -> None:
    unreadable: list[Unreadable] = []

    def wrap(real: DataflowLetters) -> Any:
        unreadable.append(Unreadable(real))
        return unreadable[0]

    endpoint = Endpoint(reject)
    asked_before: list[int] = []

    async def note(request: Request) -> Outcome:
        asked_before.append(unreadable[0].questions)
        return OK

    async with flowing(queue, tmp_path, endpoint, letters=wrap) as flow:
        await flow.publish(event(1))
        await flow.settled()
        endpoint.answers = note
        await ask(tmp_path)
        await until(lambda: flow.letters.count() == 0)

        assert endpoint.versions == [1, 1]
        assert asked_before == [2]


async def test_the_letter_of_a_delivered_replay_goes_and_its_event_is_not_settled_twice(
    queue: Queue, tmp_path: Path
) -> None:
    endpoint = Endpoint(reject)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
        endpoint.answers = accept
    async with flowing(queue, tmp_path, endpoint) as flow:
        await ask(tmp_path)
        await until(lambda: flow.flow.state == "running" and flow.letters.count() == 0)
        await flow.publish(event(2))
        await flow.settled()

    assert endpoint.versions == [1, 1, 2]


async def test_one_that_the_mapping_no_longer_wants_goes_unsent(queue: Queue, tmp_path: Path) -> None:
    endpoint = Endpoint(reject)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
    endpoint.answers = accept

    def unmapped(dependencies: Dependencies) -> Dependencies:
        return replace(dependencies, decide=lambda _: Excluded("no_trigger"))

    async with flowing(queue, tmp_path, endpoint, dependencies=unmapped) as flow:
        await until(lambda: flow.flow.state == "running" and flow.letters.count() == 1)
        await ask(tmp_path)
        await until(lambda: flow.letters.count() == 0)
    async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
        assert await state.letters.progress([1]) == Progress(frozenset(), frozenset(), excluded=frozenset({1}))

    assert endpoint.versions == [1]
