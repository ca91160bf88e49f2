"""What a dead letter keeps of itself and of its replay, whatever happens meanwhile (contract.md#dead-letters)."""

from __future__ import annotations

import pytest
from letters_made import letter

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters
from exporter.state.letter import Filter, Stored


@pytest.mark.parametrize(
    ("answer", "kept"),
    [(b"x" * 5000, "x" * 1024), (b"x" * 1023 + "é".encode(), "x" * 1023)],
    ids=["long", "cut within a character"],
)
async def test_the_first_bytes_of_the_answer(
    store: DeadLetters, crm: DataflowLetters, answer: bytes, kept: str
) -> None:
    await crm.put([letter(1, answer=answer)])
    [summary] = await store.page(Filter(), after=0, limit=10)
    back = await store.letter(summary.id)

    assert back is not None
    assert back.answer == kept


async def test_when_it_was_first_attempted_although_its_replay_began_later(
    store: DeadLetters, crm: DataflowLetters
) -> None:
    await crm.put([letter(1)])
    await store.ask(Filter(), superseded=False)
    [one] = await crm.requested(10)
    assert await crm.failed(one.id, letter(1, first_at=8e9, at=9e9, attempts=2)) == Stored()

    [left] = await store.page(Filter(), after=0, limit=10)
    assert (left.first_at, left.at, left.attempts) == (1001.0, 9e9, 2)


async def test_a_replay_that_was_asked_for_in_any_case_although_it_is_superseded_only_now(
    store: DeadLetters, crm: DataflowLetters
) -> None:
    await crm.put([letter(1, profile_id="p")])
    await store.ask(Filter(), superseded=True)
    [one] = await crm.requested(10)
    await crm.put([], [("p", "j", 50)])

    assert not await crm.superseded(one.id)
    [left] = await store.page(Filter(), after=0, limit=10)
    assert (left.superseded, left.replay) == (True, "asked_superseded")
