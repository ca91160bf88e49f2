"""The bad records of the way in, in every kind of state: kept, replaced, listed, deleted, bounded."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from bad_records_made import INLET, bad, name, refused, size, there
from state_kinds import InRedis, Kind, Opened

from exporter.database import Database
from exporter.state.bad_record import BadReason, BadRecordFilter
from exporter.state.bad_records import BadRecords
from exporter.state.kinds import open_state
from exporter.state.letter import DETAIL_CHARACTERS, Full, Stored, Unavailable
from exporter.state.port import StateUnavailable, Totals
from exporter.state.sqlite.bad_records import SqliteBadRecordStore
from exporter.state.sqlite.schema import SCHEMA
from exporter.state.sqlite.settings import SqliteSettings

ROOM = 1 << 20
ALL = BadRecordFilter()


@pytest.fixture
def records(opened: Opened) -> BadRecords:
    return BadRecords(opened.bad_records)


async def listed(records: BadRecords, which: BadRecordFilter = ALL, *, newest_first: bool = False) -> list[str]:
    return [each.name for each in await records.page(which, limit=1000, newest_first=newest_first)]


async def test_a_letter_comes_back_byte_for_byte_also_in_another_process(kind: Kind) -> None:
    first = bad(1, message=bytes(range(256)), violations="[“é”]".encode(), identity=None)
    async with open_state(kind.settings) as state:
        assert await state.bad_records.keep([first, bad(2)], ROOM) == Stored()
    async with open_state(kind.settings) as state:
        found = [await state.bad_records.record(name(number)) for number in (1, 2)]
        for new, back in zip((first, bad(2)), found, strict=True):
            assert back is not None
            assert asdict(back) == {**asdict(new), "id": back.id}
        assert await state.bad_records.record("nobody") is None
        assert await state.bad_records.totals() == {"xdm": Totals(2, size(first) + size(bad(2)))}


async def test_a_record_that_is_kept_again_replaces_its_letter(records: BadRecords) -> None:
    await records.keep([bad(1), bad(2)], ROOM)
    before = await records.newest()
    again = bad(1, reason="bug", message=b"shorter", kept=9000)
    assert await records.keep([again], ROOM) == Stored()
    assert await listed(records) == [name(2), name(1)], "the order is the one of keeping"
    assert there(await records.totals()) == {"xdm": Totals(1, size(bad(2))), "bug": Totals(1, size(again))}
    back = await records.record(name(1))
    assert back is not None
    assert (back.message, back.reason) == (b"shorter", "bug")
    assert back.id == await records.newest() > before


async def test_the_same_name_twice_in_one_call_is_one_letter(records: BadRecords) -> None:
    one, other = bad(1), bad(1, message=b"later")
    assert await records.keep([one, other], ROOM) == Stored()
    assert there(await records.totals()) == {"xdm": Totals(1, size(other))}


async def test_applying_deletes(records: BadRecords) -> None:
    await records.keep([bad(1), bad(2), bad(3)], ROOM)
    assert await records.applied([name(2), "never seen"]) == Stored()
    assert await listed(records) == [name(1), name(3)]


async def test_what_an_earlier_process_kept_is_known_once_opened(opened: Opened) -> None:
    await BadRecords(opened.bad_records).keep([bad(number) for number in range(1203)], 1 << 30)
    later = BadRecords(opened.bad_records)
    await later.open()
    names = [name(number) for number in range(1203)]
    assert await later.applied(names[:1201]) == Stored()
    assert await listed(later) == names[1201:]


async def test_applying_what_has_no_letter_asks_no_store(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "state.db", SCHEMA) as database:
        records = BadRecords(SqliteBadRecordStore(database))
        await records.open()
    # The store is closed now: every call of it fails.
    assert await records.applied([name(number) for number in range(100)]) == Stored()
    assert isinstance(await records.keep([bad(1)], ROOM), Unavailable)
    assert isinstance(await records.applied([name(1)]), Unavailable), "whether it was kept is unknown"
    assert isinstance(await records.remember_refused([refused(1)]), Unavailable)
    with pytest.raises(StateUnavailable):
        await records.totals()


async def test_a_letter_kept_while_its_earlier_self_is_being_deleted_is_not_forgotten(opened: Opened) -> None:
    """As where a replay fails again: memory must not say that there is no letter."""
    records = BadRecords(opened.bad_records)
    await records.open()
    await records.keep([bad(1)], ROOM)
    await asyncio.gather(records.applied([name(1)]), records.keep([bad(1)], ROOM))
    assert await records.applied([name(1)]) == Stored()
    assert await listed(records) == []


async def test_full_is_a_value_and_nothing_is_dropped(records: BadRecords) -> None:
    room = size(bad(1)) + size(bad(2))
    assert await records.keep([bad(1)], room) == Stored()
    assert await records.keep([bad(2), bad(3)], room) == Full(), "all or nothing"
    assert await records.keep([bad(2)], room) == Stored()
    assert await records.keep([bad(3)], room) == Full()
    assert await records.keep([bad(2)], room) == Stored(), "a replacement of the same size fits"
    assert await records.keep([bad(2, message=b"x" * 100)], room) == Full()
    assert await records.remember_refused([refused(9)]) == Stored(), "the ring has room of its own"
    assert await listed(records) == [name(1), name(2), name(9)]
    await records.applied([name(1)])
    assert await records.keep([bad(3)], room) == Stored()


async def test_a_letter_larger_than_all_the_room_has_it_alone(records: BadRecords) -> None:
    large = bad(1, message=b"x" * 5000)
    assert await records.keep([large], 1000) == Stored()
    assert await records.keep([bad(2)], 1000) == Full()
    await records.applied([name(1)])
    await records.keep([bad(2)], 1000)
    assert await records.keep([large], 1000) == Full(), "not beside another"


async def test_of_refused_elements_the_oldest_go(opened: Opened) -> None:
    records = BadRecords(opened.bad_records, ring_bytes=3 * size(refused(1)))
    await records.keep([bad(0)], ROOM)
    for number in range(1, 7):
        assert await records.remember_refused([refused(number)]) == Stored()
    assert await listed(records) == [name(0), name(4), name(5), name(6)]
    assert await records.remember_refused([refused(7), refused(8)]) == Stored()
    assert await listed(records) == [name(0), name(6), name(7), name(8)]
    large = refused(9, message=b"x" * 5000)
    assert await records.remember_refused([large]) == Stored()
    assert await listed(records) == [name(0), name(9)]
    assert there(await records.totals()) == {"xdm": Totals(1, size(bad(0))), "batch_message": Totals(1, size(large))}
    await records.remember_refused([refused(1)])
    assert await listed(records) == [name(0), name(1)]


async def test_each_has_its_own_place(records: BadRecords) -> None:
    with pytest.raises(ValueError, match="ring"):
        await records.keep([refused(1)], ROOM)
    with pytest.raises(ValueError, match="ring"):
        await records.remember_refused([bad(1)])


async def test_filters(records: BadRecords) -> None:
    await records.keep(
        [
            bad(1),
            bad(2, reason="bug"),
            bad(3, source="web", flow="flow-2"),
            bad(4, flow="", identity=None),
            bad(5, identity="crmid:1"),
        ],
        ROOM,
    )
    await records.remember_refused([refused(6)])

    async def found(**which: object) -> list[int]:
        return await _found(records, **which)

    assert await found() == [1, 2, 3, 4, 5, 6]
    assert await found(names=(name(5), name(1), "no", name(1))) == [1, 5]
    assert await found(source="web") == [3]
    assert await found(flow="flow-1") == [1, 2, 5, 6]
    assert await found(reason="bug") == [2]
    assert await found(reason="batch_message") == [6]
    assert await found(identities=("crmid:1", "email:p-2", "email:p")) == [2, 5]
    assert await found(since=2003, until=2005) == [3, 4]
    assert await found(names=(name(1), name(2)), reason="bug") == [2]
    assert await found(source="nobody") == []


async def test_filters_by_what_a_record_was_taken_for(records: BadRecords) -> None:
    values: list[dict[str, Any]] = [
        {"taken": 999},
        {"taken": 1000, "dataset": "d"},
        {"taken": 1999, "flow": ""},
        {"taken": 2000},
        {"taken": 1500, "flow": "", "dataset": "d"},
    ]
    await records.keep([bad(number, **each) for number, each in enumerate(values)], ROOM)

    assert await _found(records, flow="") == [2, 4]
    assert await _found(records, dataset="d") == [1, 4]
    assert await _found(records, taken_since=1000, taken_until=2000) == [1, 2, 4]
    assert await _found(records, taken_since=1000, taken_until=2000, flow="flow-1") == [1]
    assert await _found(records, taken_since=1000, taken_until=2000, flow="", dataset="d") == [4]
    of_flow = BadRecordFilter(flow="flow-1")
    [first] = await records.page(of_flow, limit=1)
    [second] = await records.page(of_flow, beyond=first.id, limit=1)
    assert (first.name, second.name) == (name(0), name(1))


async def _found(records: BadRecords, **which: object) -> list[int]:
    """The numbers of the letters that a filter with these fields means, by whichever way."""
    meant = BadRecordFilter(**which)  # type: ignore[arg-type]  # the names are the fields'
    names = await listed(records, meant)
    assert await records.count(meant) == len(names)
    assert await listed(records, meant, newest_first=True) == names[::-1]
    return [int(each.rpartition(":")[2]) for each in names]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages(records: BadRecords, newest_first: bool) -> None:
    await records.keep([bad(number, reason=_reason(number)) for number in range(1100)], 1 << 30)
    expected = [name(number) for number in range(1100)]
    for which, meant in ((ALL, expected), (BadRecordFilter(reason="bug"), expected[::550])):
        seen: list[str] = []
        beyond = None
        while page := await records.page(which, beyond=beyond, limit=99, newest_first=newest_first):
            seen += [each.name for each in page]
            beyond = page[-1].id
        assert seen == (meant[::-1] if newest_first else meant)
    three = BadRecordFilter(names=tuple(expected[:3]))
    [first, *_] = await records.page(three, limit=9, newest_first=newest_first)
    [second] = await records.page(three, beyond=first.id, limit=1, newest_first=newest_first)
    assert second.name == expected[1]


def _reason(number: int) -> BadReason:
    return "xdm" if number % 550 else "bug"


async def test_purging(records: BadRecords) -> None:
    await records.keep([bad(number, reason=_reason(number)) for number in range(1100)], 1 << 30)
    await records.remember_refused([refused(2000)])
    assert await records.purge(BadRecordFilter(names=(name(1), name(1), "no"))) == 1
    assert await records.purge(BadRecordFilter(identities=("email:p-2",))) == 1
    assert await records.purge(BadRecordFilter(reason="xdm")) == 1096
    assert await listed(records) == [name(0), name(550), name(2000)]
    assert await records.purge(ALL) == 3
    assert there(await records.totals()) == {}
    assert await records.keep([bad(1)], ROOM) == Stored()


async def test_an_erasure_takes_the_letters_of_the_person_and_of_nobody_else(records: BadRecords) -> None:
    await records.keep([bad(1), bad(2), bad(3, identity=None), bad(11, identity="email:p-1")], ROOM)
    assert await records.forget(()) == 0
    assert await records.forget({"email:p-1", "crmid:9"}) == 2
    assert await listed(records) == [name(2), name(3)]


async def test_ids_never_come_back(records: BadRecords) -> None:
    await records.keep([bad(1), bad(2)], ROOM)
    highest = await records.newest()
    await records.purge(ALL)
    await records.keep([bad(3)], ROOM)
    [one] = await records.page(ALL, limit=9)
    assert one.id > highest


async def test_texts_are_made_storable(records: BadRecords) -> None:
    odd = bad(1, source="a\ud800", dataset="\udfff", identity="email:\ud83d", detail="two\nlines" + "x" * 5000)
    assert await records.keep([odd], ROOM) == Stored()
    assert await listed(records, BadRecordFilter(source="a\ud800", identities=("email:\ud83d",))) == [name(1)]
    back = await records.record(name(1))
    assert back is not None
    assert back.detail.startswith("two\\nlines")
    assert len(back.detail) == DETAIL_CHARACTERS
    assert await records.record("\ud800") is None


async def test_no_repr_shows_data_or_the_inlet(records: BadRecords) -> None:
    new = bad(1, message=b"secret", violations=b"secret", identity="secret")
    await records.keep([new], ROOM)
    back = await records.record(name(1))
    [summary] = await records.page(ALL, limit=1)
    assert not any(word in repr(each) for word in ("secret", INLET) for each in (new, back, summary))


async def test_a_file_of_an_older_exporter_is_migrated(tmp_path: Path) -> None:
    settings = SqliteSettings(path=tmp_path / "state.db")
    async with Database.open(settings.path, replace(SCHEMA, migrations=SCHEMA.migrations[:4])):
        pass
    async with open_state(settings) as state:
        assert await state.bad_records.totals() == {}
        assert await state.bad_records.newest() == 0
        assert await state.bad_records.keep([bad(1)], ROOM) == Stored()
        assert await listed(state.bad_records) == [name(1)]


async def test_at_maxmemory_of_redis_nothing_is_half_kept_and_what_makes_room_works(kind: Kind) -> None:
    if not isinstance(kind, InRedis):
        return
    async with open_state(kind.settings) as state:
        records = state.bad_records
        await records.keep([bad(1), bad(2)], ROOM)
        await records.remember_refused([refused(3)])
        before = await records.totals()
        kind.server.cli("CONFIG", "SET", "maxmemory", "1")
        try:
            assert isinstance(await records.keep([bad(4)], ROOM), Unavailable)
            assert isinstance(await records.remember_refused([refused(5)]), Unavailable)
            assert await records.totals() == before
            assert await listed(records) == [name(1), name(2), name(3)]
            assert await records.applied([name(1)]) == Stored()
            assert await records.purge(ALL) == 2
        finally:
            kind.server.cli("CONFIG", "SET", "maxmemory", "0")
        assert there(await records.totals()) == {}
