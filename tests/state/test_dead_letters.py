"""Dead letters as a dataflow and the command use them (contract.md#dead-letters), in every kind of store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from letters_made import GROUP, letter
from state_kinds import InSqlite, Kind, Opened

from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.dead_letters import DeadLetters, Progress
from exporter.state.letter import Filter, Full, Stored, Summary
from exporter.state.port import Totals
from exporter.state.sqlite import letter_store

ROOM = 1 << 20


async def everything(store: DeadLetters, **which: Any) -> list[Summary]:
    return list(await store.page(Filter(**which), after=0, limit=1000))


async def test_a_letter_comes_back_as_it_went_in(store: DeadLetters, crm: DataflowLetters) -> None:
    put = letter(7, body=b"\xff{", answer="déjà\r\n\x1b[31mvu".encode(), detail="a\nb", status=None, profile_id=None)
    assert await crm.put([put]) == Stored()
    [summary] = await everything(store)
    back = await store.letter(summary.id)
    assert back is not None
    assert back.body == b"\xff{"
    assert back.answer == "déjà\\r\\n\\x1b[31mvu"
    assert back.detail == "a\\nb"
    assert (back.group, back.lane, back.position, back.destination) == (GROUP, "j", 7, "crm")
    assert (back.profile_id, back.event_id, back.reason, back.status, back.attempts) == (
        None,
        "e-7",
        "rejected",
        None,
        1,
    )
    assert (back.first_at, back.at, back.superseded, back.replay) == (1007.0, 2007.0, False, "none")


async def test_a_key_is_kept_once_with_its_id(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(7), letter(7, detail="twice in one write")])
    [first] = await everything(store)
    assert first.detail == "twice in one write"
    await crm.put([letter(7, detail="again", attempts=3)])
    [again] = await everything(store)
    assert (again.id, again.detail, again.attempts, crm.count()) == (first.id, "again", 3, 1)
    await crm.put([letter(7, lane="other")])
    await store.of("crm", "another.group", ROOM).put([letter(7, group="another.group")])
    assert len(await everything(store)) == 3


async def test_the_latest_come_first_with_their_answers(store: DeadLetters, crm: DataflowLetters) -> None:
    assert await store.latest(limit=5) == []
    await crm.put([letter(number, answer=b"no %d" % number) for number in range(1, 5)])
    await store.of("erp", "exporter.erp", ROOM).put([letter(9, group="exporter.erp", destination="erp")])
    assert [(each.event_id, each.answer) for each in await store.latest("crm", limit=3)] == [
        ("e-4", "no 4"),
        ("e-3", "no 3"),
        ("e-2", "no 2"),
    ]
    assert [each.destination for each in await store.latest(limit=2)] == ["erp", "crm"]
    assert len(await store.latest("crm", limit=100)) == 4
    assert await store.latest("nobody", limit=100) == []


async def test_the_latest_are_found_behind_many_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_store, "STEP", 3)
    async with InSqlite(tmp_path / "state.db").open() as opened:
        letters = opened.dead_letters
        await letters.of("crm", GROUP, ROOM).put([letter(1), letter(2)])
        others = [letter(number, group="exporter.erp", destination="erp") for number in range(20)]
        await letters.of("erp", "exporter.erp", ROOM).put(others)
        assert [each.event_id for each in await letters.latest("crm", limit=9)] == ["e-2", "e-1"]


async def test_a_restart_knows_what_is_kept(kind: Kind) -> None:
    async with kind.open() as opened:
        crm = opened.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        assert await crm.kept("j", [1, 2, 3]) == frozenset()
        await crm.put([letter(2), letter(5), letter(9, lane="k")])
        assert await crm.kept("j", range(20)) == {2, 5}
    async with kind.open() as opened:
        crm = opened.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        assert await crm.kept("j", [1, 2, 3, 5, 9]) == {2, 5}
        assert await crm.kept("k", [2, 9]) == {9}
        assert await crm.kept("new", [2, 9]) == frozenset()
        assert crm.count() == 3
        assert crm.concerns("p-2")
        assert not crm.concerns("p-3")


async def test_positions_above_the_highest_are_answered_without_the_store(tmp_path: Path) -> None:
    async with InSqlite(tmp_path / "state.db").open() as opened:
        crm = opened.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        await crm.put([letter(5)])
        assert await crm.kept("j", [5, 6]) == {5}
        await crm.put([letter(8)])
    assert await crm.kept("j", [9, 1000]) == frozenset()  # the store is closed: asking it would raise


@pytest.mark.parametrize(
    ("delivered_lane", "delivered_position", "marked"),
    [
        ("j", 4, set()),
        ("j", 5, set()),
        ("j", 6, {("j", 5)}),
        ("j", 9, {("j", 5)}),
        ("j", 10, {("j", 5), ("j", 9)}),
        ("k", 1, {("j", 5), ("j", 9)}),
    ],
)
async def test_a_delivery_supersedes_what_is_older(
    store: DeadLetters,
    crm: DataflowLetters,
    delivered_lane: str,
    delivered_position: int,
    marked: set[tuple[str, int]],
) -> None:
    await crm.put([letter(5, profile_id="p"), letter(9, profile_id="p"), letter(3, profile_id="q")])
    web = store.of("web", "exporter.web", ROOM)
    await web.put([letter(1, profile_id="p", destination="web", group="exporter.web")])
    assert await crm.put([], [("p", delivered_lane, delivered_position)]) == Stored()
    assert {(each.lane, each.position) for each in await everything(store) if each.superseded} == marked
    assert crm.concerns("p") == (len(marked) < 2)
    assert crm.concerns("q")


async def test_a_letter_stored_while_older_ones_are_marked_is_not_forgotten(
    store: DeadLetters, crm: DataflowLetters
) -> None:
    """Both writes are in one commit; what the first learns ("none is left") is no longer true when it returns."""
    await crm.put([letter(1, profile_id="p")])
    await asyncio.gather(crm.put([], [("p", "j", 5)]), crm.put([letter(9, profile_id="p")]))
    assert [(each.position, each.superseded) for each in await everything(store)] == [(1, True), (9, False)]
    assert crm.concerns("p")


async def test_a_letter_of_another_group_is_older_than_any_delivery(store: DeadLetters, crm: DataflowLetters) -> None:
    """The queue was changed: positions of the two can't be compared."""
    await store.of("crm", "old.crm", ROOM).put([letter(900, group="old.crm", profile_id="p")])
    await crm.open()
    assert crm.concerns("p")
    await crm.put([], [("p", "j", 1)])
    assert [each.superseded for each in await everything(store)] == [True]


async def test_a_letter_that_is_stored_again_stays_superseded(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(5)])
    await crm.put([], [("p-5", "j", 9)])
    assert [each.superseded for each in await everything(store)] == [True]
    assert not crm.concerns("p-5")
    await crm.put([letter(5)])
    assert [each.superseded for each in await everything(store)] == [True], "the mark does not go"


async def test_letters_and_marks_are_one_write(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(5, profile_id="p")])
    small = store.of("crm", GROUP, 1)
    await small.open()
    assert await small.put([letter(6)], [("p", "j", 9)]) == Full()
    assert [(each.position, each.superseded) for each in await everything(store)] == [(5, False)]
    assert await crm.put([letter(6)], [("p", "j", 9)]) == Stored()
    assert [(each.position, each.superseded) for each in await everything(store)] == [(5, True), (6, False)]


async def test_the_bound_is_each_destinations_own(store: DeadLetters, crm: DataflowLetters) -> None:
    bound = 10_000
    small = store.of("web", "exporter.web", bound)
    await small.open()
    web = {"destination": "web", "group": "exporter.web", "body": b"x" * 3000}
    position = 0
    while await small.put([letter(position, **web)]) == Stored():
        position += 1
    assert position == 3
    assert small.count() == 3
    assert await small.probe() == Full()
    assert await crm.put([letter(1, body=b"x" * 50_000)]) == Stored()
    assert await small.put([letter(0, **{**web, "body": b"y" * 2999})]) == Stored(), "it replaces a larger one"
    assert await small.put([], [("p-1", "j", 2)]) == Stored(), "a mark takes no room"
    lowered = store.of("web", "exporter.web", 1)
    assert await lowered.put([], [("p-1", "j", 2)]) == Stored(), "not even above a bound that was lowered"
    assert await lowered.put([letter(0, **{**web, "body": b"y"})]) == Stored(), "what shrinks it is welcome"
    [first] = [each.id for each in await everything(store, destination="web") if each.position == 0]
    await store.purge(Filter(destination="web", ids=(first,)))
    assert await small.probe() == Stored()
    assert await small.put([letter(99, **web)]) == Stored()


async def test_probe_says_full_until_what_was_refused_fits(store: DeadLetters) -> None:
    small = store.of("crm", GROUP, 8_000)
    await small.open()
    assert await small.probe() == Stored()
    assert await small.put([letter(1, body=b"x" * 4000)]) == Stored()
    assert await small.put([letter(2, body=b"x" * 5000)]) == Full()
    assert await small.probe() == Full(), "there is room, but not for this one"
    await store.purge(Filter())
    assert await small.probe() == Stored()
    assert await small.put([letter(2, body=b"x" * 5000)]) == Stored()


async def test_a_replay_is_given_once_in_the_queues_order(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(9)])
    await crm.put([letter(5), letter(7)])
    assert list(await crm.requested(10)) == []
    assert len((await store.ask(Filter(), superseded=False)).ids) == 3
    first = await crm.requested(2)
    assert [each.position for each in first] == [5, 7]
    assert [each.body for each in first] == [b'{"profileId": "p"}'] * 2
    assert [each.position for each in await crm.requested(2)] == [9]
    assert list(await crm.requested(2)) == []
    again = store.of("crm", GROUP, ROOM)
    await again.open()
    assert len(await again.requested(10)) == 3, "a restart picks up what was not finished"


async def test_a_delivered_replay_goes_and_a_failed_one_says_how(
    opened: Opened, store: DeadLetters, crm: DataflowLetters
) -> None:
    await crm.put([letter(1), letter(2)])
    await store.ask(Filter(), superseded=False)
    one, two = await crm.requested(10)
    assert await crm.delivered(one.id) == Stored()
    assert crm.count() == 1
    worse = letter(2, reason="retries_exhausted", status=503, attempts=3, detail="x" * 5000, answer=b"busy", at=9e9)
    assert await crm.failed(two.id, worse) == Stored()
    [left] = await everything(store)
    assert (left.id, left.reason, left.status, left.attempts) == (two.id, "retries_exhausted", 503, 3)
    assert (left.first_at, left.at, left.replay) == (1002.0, 9e9, "none")
    assert len(left.detail) == 1024
    assert list(await crm.requested(10)) == []
    await store.ask(Filter(), superseded=False)
    assert [each.id for each in await crm.requested(10)] == [two.id], "it can be asked for again"
    await store.purge(Filter())
    assert (await opened.store.overview()).totals == {"crm": Totals(0, 0)}


async def test_a_replay_that_was_superseded_meanwhile_is_withdrawn(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1, profile_id="p"), letter(2, profile_id="q")])
    await store.ask(Filter(), superseded=False)
    one, two = await crm.requested(10)
    assert not await crm.superseded(one.id)
    await crm.put([], [("p", "j", 50)])
    assert await crm.superseded(one.id)
    assert not await crm.superseded(two.id)
    assert (await store.progress([one.id, two.id])).waiting == {two.id}


async def test_superseded_letters_are_left_out_unless_asked_for(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1, profile_id="p"), letter(2, profile_id="q")], [("p", "j", 50)])
    asked = await store.ask(Filter(), superseded=False)
    assert (len(asked.ids), asked.left_out) == (1, 1)
    assert [each.position for each in await crm.requested(10)] == [2]
    asked = await store.ask(Filter(), superseded=True)
    assert (len(asked.ids), asked.left_out) == (2, 0)
    [one] = await crm.requested(10)
    assert one.position == 1
    assert one.superseded
    await crm.put([], [("p", "j", 60), ("q", "j", 60)])
    assert not await crm.superseded(one.id), "it was asked for although it is superseded"


async def test_a_purged_replay_is_not_sent_and_does_not_come_back(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1)])
    await store.ask(Filter(), superseded=True)
    [one] = await crm.requested(10)
    assert await store.purge(Filter()) == 1
    assert await crm.superseded(one.id)
    assert await crm.failed(one.id, letter(1)) == Stored()
    assert await everything(store) == []
    assert crm.count() == 0


async def test_who_waits_for_a_replay_is_told_that_it_was_purged(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1), letter(2), letter(3), letter(4)])
    every = [each.id for each in await everything(store)]
    await store.ask(Filter(ids=tuple(every[:3])), superseded=True)
    one, two, _ = await crm.requested(10)
    assert await crm.delivered(one.id) == Stored()
    assert await store.purge(Filter(ids=(two.id, every[3]))) == 2
    progress = await store.progress(every)
    assert progress == Progress(frozenset({every[2]}), frozenset(), frozenset({two.id}))
    assert await crm.superseded(two.id)


async def test_who_waits_for_a_replay_is_told_that_it_was_excluded(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1), letter(2)])
    await store.ask(Filter(), superseded=True)
    one, two = await crm.requested(10)
    assert await crm.excluded(one.id) == Stored()
    assert await crm.excluded(one.id) == Stored(), "once more, as where the first answer was lost"
    progress = await store.progress([one.id, two.id])
    assert progress == Progress(frozenset({two.id}), frozenset(), frozenset(), frozenset({one.id}))
    assert await crm.superseded(one.id)
    assert crm.count() == 1


async def test_ids_never_come_back(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1)])
    [one] = await everything(store)
    await store.purge(Filter())
    await crm.put([letter(1)])
    assert (await everything(store))[0].id > one.id


async def test_filters(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(1), letter(2, reason="bug", at=5000.0), letter(3, profile_id=None), letter(4)])
    await store.of("web", "w", ROOM).put([letter(5, destination="web", group="w")])
    await crm.put([], [("p-4", "j", 9)])

    async def found(**which: Any) -> set[int]:
        positions = {each.position for each in await everything(store, **which)}
        assert len(positions) == await store.count(Filter(**which))
        return positions

    assert await found() == {1, 2, 3, 4, 5}
    assert await found(destination="web") == {5}
    assert await found(reason="bug") == {2}
    assert await found(profile_id="p-1") == {1}
    assert await found(since=2003.0) == {2, 3, 4, 5}
    assert await found(until=2003.0) == {1}
    assert await found(since=2002.0, until=2004.0, destination="crm") == {3}
    assert await found(superseded=True) == {4}
    [first] = await everything(store, profile_id="p-1")
    assert await found(ids=(first.id, 4711)) == {1}
    assert await found(ids=(first.id,), reason="bug") == set()


async def test_pages_follow_each_other(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(position) for position in range(25)])
    seen: list[int] = []
    after = 0
    while page := await store.page(Filter(), after=after, limit=10):
        seen += [each.position for each in page]
        after = page[-1].id
    assert seen == list(range(25))


async def test_many_letters_are_asked_for_and_purged_in_chunks(store: DeadLetters, crm: DataflowLetters) -> None:
    await crm.put([letter(position) for position in range(2500)])
    asked = await store.ask(Filter(), superseded=False)
    assert len(set(asked.ids)) == 2500
    assert len((await store.progress(asked.ids)).waiting) == 2500
    assert await store.purge(Filter()) == 2500


async def test_a_purge_makes_the_file_small_again(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with InSqlite(path).open() as opened:
        crm = opened.dead_letters.of("crm", GROUP, 1 << 30)
        await crm.open()
        await crm.put([letter(position, body=b"x" * 30_000) for position in range(1000)])
    large = _size(path)
    assert large > 30_000_000
    async with InSqlite(path).open() as opened:
        assert await opened.dead_letters.purge(Filter()) == 1000
    assert _size(path) < large / 100


async def test_text_that_no_database_takes(store: DeadLetters, crm: DataflowLetters) -> None:
    odd = "p\ud800\x00"
    assert await crm.put([letter(1, profile_id=odd, event_id=odd, detail=odd)]) == Stored()
    assert crm.concerns(odd)
    assert await crm.put([], [(odd, "j", 2)]) == Stored()
    assert not crm.concerns(odd)
    assert [each.superseded for each in await everything(store)] == [True]


async def test_two_processes_share_the_store(kind: Kind) -> None:
    """The command's connection beside the daemon's: what one does the other sees."""
    async with kind.open() as ours, kind.open() as theirs:
        crm = ours.dead_letters.of("crm", GROUP, ROOM)
        await crm.open()
        command = theirs.dead_letters
        await crm.put([letter(1), letter(2)])
        assert await command.count(Filter()) == 2
        assert len((await command.ask(Filter(profile_id="p-1"), superseded=False)).ids) == 1
        [one] = await crm.requested(10)
        assert one.position == 1
        assert await command.purge(Filter()) == 2
        assert list(await crm.requested(10)) == []
        assert crm.count() == 0


def _size(path: Path) -> int:
    return path.stat().st_size
