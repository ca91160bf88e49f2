"""Letters that come from a file, and what endpoints answered, in every kind of store (contract.md#dead-letters)."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from letters_made import GROUP, letter
from state_kinds import Kind

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters, Restored
from exporter.state.letter import Filter, size_bytes, storable_letter

ROOM = 1 << 20


async def test_what_is_there_stays_and_the_rest_is_stored_once(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1, attempts=7)])
    assert await store.restore([letter(1), letter(2), letter(2, lane="k"), letter(2)], ROOM) == Restored(2, 2)
    assert await store.restore([letter(1), letter(2), letter(2, lane="k")], ROOM) == Restored(0, 3)
    assert await store.restore([], ROOM) == Restored()
    assert await store.restore([letter(3, attempts=1), letter(3, attempts=2)], ROOM) == Restored(1, 1)
    found = await store.page(Filter(), after=0, limit=10)
    assert [(each.lane, each.position, each.attempts) for each in found] == [
        ("j", 1, 7),
        ("j", 2, 1),
        ("k", 2, 1),
        ("j", 3, 1),
    ]


async def test_a_superseded_letter_is_superseded_and_is_not_replayed(kind: Kind) -> None:
    async with kind.open() as daemon, kind.open() as command:
        crm = daemon.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        assert await command.dead_letters.restore([letter(1, superseded=True), letter(2)], ROOM) == Restored(2)
        found = await command.dead_letters.page(Filter(), after=0, limit=10)
        assert [each.superseded for each in found] == [True, False]
        asked = await command.dead_letters.ask(Filter(), superseded=False)
        assert (list(asked.ids), asked.left_out) == ([found[1].id], 1)
        [one] = await crm.requested(10)
        assert one.position == 2


async def test_a_running_dataflow_supersedes_what_another_process_has_restored(kind: Kind) -> None:
    async with kind.open() as daemon, kind.open() as command:
        crm = daemon.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        assert not crm.concerns("p-1")
        assert await command.dead_letters.restore([letter(1)], ROOM) == Restored(1)
        assert list(await crm.requested(10)) == []
        assert crm.concerns("p-1")


async def test_what_has_room_is_stored_in_its_order(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(2)])
    letters = [letter(number) for number in range(1, 8)]
    room = 4 * size_bytes(storable_letter(letter(1)))
    assert await store.restore(letters, room) == Restored(3, 1, full=True)
    assert [each.position for each in await store.page(Filter(), after=0, limit=10)] == [2, 1, 3, 4]
    assert await store.restore(letters, room) == Restored(0, 4, full=True)
    assert await store.restore(letters, ROOM) == Restored(3, 4)


async def test_what_is_stored_between_the_look_and_the_write_stays(
    store: DeadLetters, crm: DataflowLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store._store.kept

    async def overtaken(group: str, lane: str, positions: Collection[int]) -> frozenset[int]:
        found = await kept(group, lane, positions)
        await crm.put([letter(1, attempts=7)])
        return found

    monkeypatch.setattr(store._store, "kept", overtaken)
    await store.restore([letter(1, attempts=1), letter(2)], ROOM)
    found = await store.page(Filter(), after=0, limit=10)
    assert [(each.position, each.attempts) for each in found] == [(1, 7), (2, 1)]
