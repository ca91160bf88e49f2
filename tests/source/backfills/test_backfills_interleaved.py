"""Whatever live records come between, and wherever the process is killed: all members are told, once, nothing older."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from backfill_parts import Parts, entered, opened, turns
from hypothesis import given, settings
from hypothesis import strategies as st

WHO = st.integers(1, 6)
WRITE = st.tuples(st.just("write"), WHO, st.sampled_from(["realized", "exited", None]))
TURNS = st.tuples(st.just("turns"), st.integers(1, 4), st.none())
#: The process is killed in the middle of a turn, so many turns of the event loop after its begin.
KILL = st.tuples(st.just("kill"), st.integers(0, 12), st.none())
SCRIPT = st.lists(st.one_of(WRITE, TURNS, TURNS, KILL), max_size=14)


@settings(max_examples=60)
@given(st.lists(WHO, unique=True), SCRIPT)
def test_all_members_are_told_once_and_nothing_older(members: list[int], script: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(Path(folder), members, script))


async def _played(folder: Path, members: list[int], script: list[Any]) -> None:
    clock = 0
    left = [*script]
    async with opened(folder) as parts:
        for who in members:
            clock += 1
            await parts.apply(entered(who, clock, "s"))
        await parts.map("s")
    before = clock
    while True:
        async with opened(folder) as parts:
            backfilling = parts.backfilling()
            killed = False
            while left and not killed:
                what, number, status = left.pop(0)
                if what == "write":
                    clock += 1
                    segments = () if status is None else ("s",)
                    await parts.apply(entered(number, clock, *segments, status=status or "realized"))
                elif what == "turns":
                    await turns(backfilling, number)
                else:
                    killed = True
                    turn = asyncio.create_task(backfilling.turn())
                    for _ in range(number):
                        await asyncio.sleep(0)
                    turn.cancel()
                    with suppress(asyncio.CancelledError):
                        await turn
            if not killed:
                await turns(backfilling)
                await _judge(parts, members, before)
                return


async def _judge(parts: Parts, members: list[int], before: int) -> None:
    newest: dict[str, int] = {}
    inside: dict[str, bool] = {}
    told: set[str] = set()
    ids: list[str] = []
    for event in await parts.events():
        [identity] = event["profile"]["identityMap"]["e"]
        who, n = identity["id"], event["profile"]["n"]
        assert n >= newest.get(who, 0), "an older state after a newer one"
        newest[who] = n
        entries = event["profile"].get("segmentMembership", {}).get("ups", {})
        inside[who] = entries.get("s", {}).get("status") == "realized"
        ids.append(event["id"])
        entering = any(each["to"] == "realized" for each in event["changes"]["segments"])
        if event["changes"]["backfill"]:
            assert inside[who]
            told.add(who)
        elif entering and n > before:
            told.add(who)
    assert len(ids) == len(set(ids)), "told again"
    assert {who for who, still in inside.items() if still} <= told, "a member was not told"
    [backfill] = await parts.store.backfills()
    assert backfill.finished
