"""Letters that come from a file, and what endpoints answered, in every kind of store (contract.md#dead-letters)."""

from __future__ import annotations

from letters_made import GROUP, letter
from state_kinds import Kind

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters
from exporter.state.letter import Filter

ROOM = 1 << 20


async def test_what_is_there_stays_and_the_rest_is_stored_once(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1, attempts=7)])
    assert await store.restore([letter(1), letter(2), letter(2, lane="k"), letter(2)], ROOM) == 2
    assert await store.restore([letter(1), letter(2), letter(2, lane="k")], ROOM) == 0
    assert await store.restore([], ROOM) == 0
    assert await store.restore([letter(3, attempts=1), letter(3, attempts=2)], ROOM) == 1
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
        assert await command.dead_letters.restore([letter(1, superseded=True), letter(2)], ROOM) == 2
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
        assert await command.dead_letters.restore([letter(1)], ROOM) == 1
        assert list(await crm.requested(10)) == []
        assert crm.concerns("p-1")


async def test_where_there_is_no_room_nothing_is_stored(store: DeadLetters) -> None:
    assert await store.restore([letter(1), letter(2, body=b"x" * 2000)], 1000) is None
    assert await store.count(Filter()) == 0


async def test_answers_by_id(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1, answer="déjà vu".encode()), letter(2, answer=b"")])
    one, two = (each.id for each in await store.page(Filter(), after=0, limit=10))
    assert await store.answers([two, one, 99]) == {one: "déjà vu", two: ""}
    assert await store.answers([]) == {}
