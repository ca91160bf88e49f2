"""Any sequence of what the way in and the command do leaves the bad records as plain bookkeeping says."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from bad_records_made import bad, name, refused, size, there
from hypothesis import given, settings
from hypothesis import strategies as st
from redis_server import RedisServer, needs_redis
from state_kinds import InRedis, InSqlite, Kind

from exporter.state.bad_record import BadRecordFilter, NewBadRecord
from exporter.state.bad_records import BadRecords
from exporter.state.letter import Full, Stored
from exporter.state.port import Totals

NUMBERS = st.integers(0, 6)
MADE = st.lists(st.tuples(NUMBERS, st.sampled_from(["xdm", "bug"]), st.sampled_from([10, 300, 4000])), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), MADE),
        st.tuples(st.just("refuse"), MADE),
        st.tuples(st.just("apply"), st.lists(NUMBERS, max_size=3)),
        st.tuples(st.just("purge"), st.sampled_from(["xdm", "bug", "batch_message"])),
        st.tuples(st.just("restart")),
    ),
    max_size=14,
)
ROOM = 3000
RING = 2000


class Model:
    """What the store should hold: name to letter, in the order of keeping."""

    def __init__(self) -> None:
        self.letters: dict[str, NewBadRecord] = {}

    def bytes_of(self, *, ring: bool) -> int:
        return sum(size(each) for each in self.letters.values() if (each.reason == "batch_message") == ring)

    def put(self, made: list[NewBadRecord]) -> None:
        for each in made:
            self.letters.pop(each.name, None)
            self.letters[each.name] = each

    def keep(self, made: list[NewBadRecord]) -> bool:
        before, held = dict(self.letters), self.bytes_of(ring=False)
        self.put(made)
        grown = self.bytes_of(ring=False)
        alone = held == 0 and len({each.name for each in made}) == 1
        if grown > held and grown > ROOM and not alone:
            self.letters = before
            return False
        return True

    def refuse(self, made: list[NewBadRecord]) -> None:
        self.put(made)
        ring = [each for each in self.letters.values() if each.reason == "batch_message"]
        while self.bytes_of(ring=True) > RING and len(ring) > 1:
            del self.letters[ring.pop(0).name]


@settings(max_examples=60)
@given(STEPS)
def test_as_bookkeeping_says(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(InSqlite(Path(folder) / "state.db"), steps))


@needs_redis
@settings(max_examples=60)
@given(steps=STEPS)
def test_as_bookkeeping_says_in_redis(redis_of_all: RedisServer, steps: list[tuple[Any, ...]]) -> None:
    redis_of_all.cli("FLUSHALL")
    asyncio.run(_played(InRedis(redis_of_all), steps))


async def _played(kind: Kind, steps: list[tuple[Any, ...]]) -> None:
    model = Model()
    async with kind.open() as opened:
        records = BadRecords(opened.bad_records, ring_bytes=RING)
        for step in steps:
            match step:
                case ("keep", made):
                    new = [bad(number, reason=reason, message=bytes(many)) for number, reason, many in made]
                    expected = Stored() if model.keep(new) else Full()
                    assert await records.keep(new, ROOM) == expected
                case ("refuse", made):
                    elements = [refused(100 + number, message=bytes(many)) for number, _, many in made]
                    model.refuse(elements)
                    assert await records.remember_refused(elements) == Stored()
                case ("apply", numbers):
                    for number in numbers:
                        model.letters.pop(name(number), None)
                    assert await records.applied([name(number) for number in numbers]) == Stored()
                case ("purge", reason):
                    gone = [key for key, each in model.letters.items() if each.reason == reason]
                    for key in gone:
                        del model.letters[key]
                    assert await records.purge(BadRecordFilter(reason=reason)) == len(gone)
                case _:
                    records = BadRecords(opened.bad_records, ring_bytes=RING)
                    await records.open()
            page = await records.page(BadRecordFilter(), limit=100)
            assert [(each.name, each.reason) for each in page] == [
                (key, each.reason) for key, each in model.letters.items()
            ]
            totals: dict[str, Totals] = {}
            for each in model.letters.values():
                before = totals.get(each.reason, Totals())
                totals[each.reason] = Totals(before.letters + 1, before.bytes + size(each))
            assert there(await records.totals()) == totals
