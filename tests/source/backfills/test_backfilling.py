"""When backfills begin, what they wait for, and how fast they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from backfill_parts import NOON, Parts, entered, opened, turns

from exporter.queues.port import QueueUnavailable
from exporter.source.backfills.newly_mapped import Target, newly_mapped
from exporter.source.backfills.shown import FINISHED_SHOWN, report
from exporter.source.profiles.port import Backfill, Segment

MEMBERS = [entered(who, who, "s") for who in range(1, 6)]
OTHERS = [entered(who, who, "t") for who in range(6, 9)]


async def test_a_newly_mapped_segment_is_told_once_it_is_noted_and_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS, *OTHERS, entered(9, 9, "s", status="exited"))
        backfilling = parts.backfilling()
        await turns(backfilling)
        assert parts.heard == []
        await parts.map("s")
        parts.read.clear()
        await turns(backfilling)
        assert parts.heard == []
        parts.read.add("g.crm")
        await turns(backfilling)
        assert parts.heard == [("begun", 1), ("finished", 1)]
        assert await parts.backfilled() == [1, 2, 3, 4, 5]
        assert backfilling.events == 5
        last = (await parts.events())[-1]
        assert (last["id"], last["destination"]) == (f"backfill:1:{last['profileId']}", "crm")
        # A later mapping is told of its own members; another process, of nothing again.
        await parts.map("s", "t", at=NOON + 1)
        await turns(parts.backfilling())
        await turns(parts.backfilling())
        assert await parts.backfilled() == [1, 2, 3, 4, 5, 6, 7, 8]
        assert parts.heard[2:] == [("begun", 2), ("finished", 2)]
        assert backfilling.progress == {"crm": (5, 5)}


@pytest.mark.parametrize(
    ("begun", "start", "found"),
    [
        ((), "earliest", {5: ["s", "t"], 7: ["u"]}),
        ((), "latest", {7: ["u"]}),
        (((5, ("ups", "s")), (7, ("ups", "u"))), "earliest", {5: ["t"]}),
        (((4, ("ups", "s")),), "earliest", {5: ["s", "t"], 7: ["u"]}),
    ],
)
def test_what_is_newly_mapped(begun: Any, start: Any, found: Any) -> None:
    """A destination that begins with the latest event wants nothing of what it mapped when it began."""
    mapped: dict[Segment, tuple[int, int]] = {("ups", "t"): (5, 9), ("ups", "u"): (7, 7), ("ups", "s"): (5, 5)}
    told = newly_mapped(mapped, begun, start)
    assert {at: [id_ for _, id_ in segments] for at, segments in told.items()} == found
    assert newly_mapped({}, begun, start) == {}


async def test_what_a_command_began_is_told_too_and_backfills_take_turns(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS, *OTHERS)
        parts.targets.append(Target("mail", "g.mail", "latest"))
        parts.read.add("g.mail")
        await parts.store.begin_backfill("crm", [("ups", "s")], NOON)
        await parts.store.begin_backfill("mail", [], NOON)
        backfilling = parts.backfilling()
        await turns(backfilling)
        assert sorted(await parts.backfilled()) == sorted([1, 2, 3, 4, 5, *range(1, 9)])
        assert [each["destination"] for each in (await parts.events())[8:14]] == ["crm", "crm", "mail", "mail"] + [
            "crm"
        ] * 2
        assert backfilling.progress == {"crm": (5, 5), "mail": (8, 8)}


async def told_after(parts: Parts, seconds: float) -> int:
    backfilling = parts.backfilling()
    end = parts.now + seconds
    while parts.now < end:
        before = parts.now
        await backfilling.turn()
        parts.now = max(parts.now, before + 0.001)
    return len(await parts.backfilled())


async def test_no_more_than_the_rate(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*(entered(who, who, "s") for who in range(1, 200)))
        await parts.map("s")
        parts.rate = 20.0
        assert 60 <= await told_after(parts, 5) <= 100


async def test_no_more_than_may_wait_for_the_destination(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS)
        await parts.map("s")
        parts.most_lag, parts.lag = 3, 0
        backfilling = parts.backfilling()
        # As many as may wait, and then it looks where the group stands.
        told = 0
        for _ in range(200):
            parts.lag = told
            await backfilling.turn()
            told = len(await parts.backfilled())
        assert told == 3
        [waiting] = backfilling.backfills
        assert backfilling.waits(waiting) == "too many events wait for the destination"
        parts.lag = 0
        await turns(backfilling)
        assert await parts.backfilled() == [1, 2, 3, 4, 5]


async def test_live_records_come_first_but_not_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*(entered(who, who, "s") for who in range(1, 100)))
        await parts.map("s")
        parts.rate, parts.records = 50.0, 501
        assert 40 <= await told_after(parts, 5) <= 70
        parts.records = 0
        assert await told_after(parts, 5) == 99


async def test_events_that_wait_come_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS)
        await parts.map("s")
        parts.outbox_max = 10
        backfilling = parts.backfilling()
        await turns(backfilling)
        assert await parts.backfilled() == []
        [waiting] = backfilling.backfills
        assert backfilling.waits(waiting) == "events wait to be told"
        await parts.store.delete_told(5)
        await turns(backfilling, 100)
        assert await parts.backfilled() == [1, 2]  # one step, whose events wait now


async def test_a_destination_that_does_not_export_is_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS)
        await parts.store.begin_backfill("crm", [("ups", "s")], NOON)
        target, parts.targets = parts.targets, []
        backfilling = parts.backfilling()
        await turns(backfilling)
        [waiting] = backfilling.backfills
        assert backfilling.waits(waiting) == "its destination is not configured, or switched off"
        parts.targets = target
        parts.read.clear()
        await turns(backfilling)
        assert backfilling.waits(waiting) == "nobody reads the destination's group"
        parts.read.add("g.crm")
        await turns(backfilling)
        assert len(await parts.backfilled()) == 5
        [finished] = backfilling.backfills
        assert backfilling.waits(finished) is None


async def test_an_error_of_ours_holds_back_one_backfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS)
        for at in (1, 2):
            await parts.store.begin_backfill("crm", [("ups", "s")], at)
        tell = type(parts.store).backfill

        async def fails(store: Any, number: int, *more: Any) -> Backfill:
            if number == 1:
                raise ZeroDivisionError
            return await tell(store, number, *more)

        monkeypatch.setattr(type(parts.store), "backfill", fails)
        backfilling = parts.backfilling()
        await turns(backfilling)
        assert await parts.backfilled() == [1, 2, 3, 4, 5]
        assert [type(each) for each in parts.heard[:1]] == [ZeroDivisionError]
        assert "exporter's own" in (backfilling.waits(backfilling.backfills[0]) or "")


async def test_what_is_away_is_said_and_tried_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as parts:
        await parts.apply(*MEMBERS)
        await parts.map("s")
        parts.away = True
        backfilling = parts.backfilling()
        with pytest.raises(QueueUnavailable):
            await turns(backfilling)
        parts.away = False
        await turns(backfilling)
        assert len(await parts.backfilled()) == 5


def test_the_report_has_all_that_are_under_way_and_the_last_that_finished() -> None:
    backfills = [Backfill(n, "crm", [("ups", "s")], NOON, 1, 1, 0, n != 1) for n in range(1, 40)]
    told = report(backfills, lambda each: None if each.finished else "why")
    assert [each["number"] for each in told] == [1, *range(40 - FINISHED_SHOWN, 40)]
    assert told[0] == {
        "number": 1,
        "destination": "crm",
        "segments": [{"namespace": "ups", "id": "s"}],
        "mapped_at": "2023-11-14T22:13:20.000Z",
        "done": 1,
        "total": 1,
        "skipped": 0,
        "finished": False,
        "waits": "why",
    }
