"""How every kind of profile store counts records; a test class of a kind gives ``opening``, as for profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from contract_of_profiles import Opening
from msgspec.structs import replace
from profile_records import NOON, ROOM, record

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import Mark, MarkMoved, ProfileStore, Refused
from exporter.source.profiles.tally import HOUR_MS, Fate, Part, Tally, hour_of

HOUR = hour_of(NOON)
PART = Part(HOUR, "f", "d", "applied", 3, 300, HOUR + 5, HOUR + 9, 60, 10, 30, HOUR + 40)


def part(outcome: str = "applied", records: int = 1, *, hour: int = HOUR, flow: str = "f", dataset: str = "d") -> Part:
    return replace(PART, hour=hour, flow=flow, dataset=dataset, outcome=outcome, records=records, bytes=records * 100)


def fate(name: str, outcome: str, *, hour: int = HOUR, flow: str = "f") -> Fate:
    return Fate(name, hour, flow, "d", outcome, 100, HOUR + 70)


async def count(
    store: ProfileStore,
    *parts: Part,
    failed: Sequence[Fate] = (),
    again: Sequence[Fate] = (),
    marks: Sequence[Mark] = (),
) -> None:
    await store.apply([], ROOM, marks, lambda _: Tally({}, parts, failed, again))


async def counted(store: ProfileStore) -> Counter[str]:
    """Records by outcome, of which each has a hundred bytes."""
    parts = await store.runs(0, None, 1000)
    assert all(each.bytes == each.records * 100 for each in parts)
    return Counter({each.outcome: each.records for each in parts})


class RunsContract:
    """The tests."""

    async def test_what_is_counted_of_one_outcome_comes_together(self, opening: Opening) -> None:
        earlier = Part(HOUR, "f", "d", "applied", 2, 150, HOUR + 1, HOUR + 7, 70, 3, 67, HOUR + 20)
        async with opening(Rules()) as store:
            await count(store, PART, part("xdm"))
            await count(store, earlier)
        async with opening(Rules()) as store:
            assert await store.runs(0, None, 9) == [
                Part(HOUR, "f", "d", "applied", 5, 450, HOUR + 1, HOUR + 9, 130, 3, 67, HOUR + 40),
                part("xdm"),
            ]

    async def test_nothing_is_counted_of_a_transaction_that_is_taken_back(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await count(store, part(), marks=[Mark("intake", "0", 0, 1)])
            with pytest.raises(MarkMoved):
                await count(store, part(), marks=[Mark("intake", "0", 0, 1)])
            large = record("e:1", entity={"a": "x" * 2000})
            assert isinstance(await store.apply([large], 1000, (), lambda _: Tally({}, [part()])), Refused)
            assert await counted(store) == {"applied": 1}

    async def test_pairs_of_hour_and_flow_are_read_whole_the_newest_first(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            for hour in (HOUR, HOUR + HOUR_MS):
                for flow in "fg":
                    await count(store, *(part(each, hour=hour, flow=flow) for each in ("applied", "aside")))
            await count(store, part("xdm", hour=HOUR + HOUR_MS, dataset="e"))

            async def pairs(
                since: int = 0, beyond: tuple[int, str] | None = None, limit: int = 9, **which: object
            ) -> str:
                parts = await store.runs(since, beyond, limit, **which)  # type: ignore[arg-type]
                return " ".join(f"{(each.hour - HOUR) // HOUR_MS}{each.flow}" for each in parts)

            assert await pairs() == "1g 1g 1f 1f 1f 0g 0g 0f 0f"
            assert await pairs(limit=2) == "1g 1g 1f 1f 1f"
            assert await pairs(beyond=(HOUR + HOUR_MS, "f"), limit=1) == "0g 0g"
            assert await pairs(beyond=(HOUR, "f")) == ""
            assert await pairs(HOUR + 1) == "1g 1g 1f 1f 1f"
            assert await pairs(flow="g") == "1g 1g 0g 0g"
            assert await pairs(failed=True) == "1f 1f 1f"

    async def test_a_record_that_comes_again_is_counted_once_where_it_is_now(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await count(
                store, part("unchanged"), part("mapping", 2), failed=[fate("a", "mapping"), fate("b", "mapping")]
            )
            await count(store, again=[fate("a", "xdm")])
            assert await counted(store) == {"unchanged": 1, "mapping": 1, "xdm": 1}
            await count(store, again=[fate("a", "applied"), fate("a", "unchanged"), fate("c", "applied")])
            assert await counted(store) == {"unchanged": 1, "mapping": 1, "applied": 1}
            await count(store, again=[fate("a", "dataset")])
            await count(store, again=[fate("a", "applied"), fate("b", "aside")])
            assert await counted(store) == {"unchanged": 1, "applied": 1, "aside": 1}
            assert all(
                (each.waited, each.first) in ((0, HOUR + 5), (60, HOUR + 5)) for each in await store.runs(0, None, 9)
            )

    async def test_what_is_not_counted_any_more_does_not_come_back(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await count(store, part("mapping"), part(hour=HOUR + HOUR_MS), failed=[fate("a", "mapping")])
            assert (await store.drop_runs(HOUR, 9), await store.drop_runs(HOUR + 1, 1)) == (0, 2)
            await count(store, again=[fate("a", "applied"), fate("b", "xdm"), fate("c", "xdm", hour=HOUR + HOUR_MS)])
            assert await counted(store) == {"xdm": 1}
            assert (await store.drop_runs(HOUR + HOUR_MS, 9), await counted(store)) == (0, {"xdm": 1})
