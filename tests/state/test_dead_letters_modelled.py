"""Any sequence of what dataflows and the command do leaves the store as plain bookkeeping says."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from letters_made import GROUP, letter
from redis_server import RedisServer, needs_redis
from state_kinds import InRedis, InSqlite, Kind, Opened

from exporter.outbox.verdict import DeadLetterReason
from exporter.state.letter import Filter, NewLetter, Reason, Stored, size_bytes, storable_letter
from exporter.state.port import Totals

PROFILES = st.sampled_from(["p", "q"])
LANES = st.sampled_from(["j", "k"])
POSITIONS = st.integers(0, 12)

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.lists(st.tuples(LANES, POSITIONS, PROFILES), max_size=3),
            st.lists(st.tuples(PROFILES, LANES, POSITIONS), max_size=2),
        ),
        st.tuples(st.just("ask"), st.booleans()),
        st.tuples(st.just("replayed"), st.booleans()),
        st.tuples(st.just("purge"), PROFILES),
        st.tuples(st.just("restart")),
    ),
    max_size=12,
)


@dataclass(frozen=True)
class Kept:
    """A letter in plain bookkeeping."""

    letter: NewLetter
    superseded: bool = False
    replay: str = "none"


class Model:
    """What the store should hold: key to letter."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Kept] = {}

    def put(self, letters: list[NewLetter], delivered: list[tuple[str, str, int]]) -> None:
        for each in letters:
            key = (each.lane, each.position)
            old = self.kept.get(key)
            self.kept[key] = Kept(each, old.superseded, old.replay) if old else Kept(each)
        for profile, lane, position in delivered:
            for key, kept in self.kept.items():
                if kept.letter.profile_id == profile and (key[0] != lane or key[1] < position):
                    self.kept[key] = replace(kept, superseded=True, replay=_withdrawn(kept.replay))

    def ask(self, superseded: bool) -> None:
        for key, kept in self.kept.items():
            if superseded:
                self.kept[key] = replace(kept, replay="asked_superseded")
            elif not kept.superseded and kept.replay == "none":
                self.kept[key] = replace(kept, replay="asked")


def _withdrawn(replay: str) -> str:
    return "none" if replay == "asked" else replay


@settings(max_examples=50)
@given(STEPS)
def test_as_bookkeeping_says(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(InSqlite(Path(folder) / "state.db"), steps))


@needs_redis
@settings(max_examples=50)
@given(steps=STEPS)
def test_as_bookkeeping_says_in_redis(redis_of_all: RedisServer, steps: list[tuple[object, ...]]) -> None:
    redis_of_all.cli("FLUSHALL")
    asyncio.run(_played(InRedis(redis_of_all), steps))


async def _played(kind: Kind, steps: list[tuple[object, ...]]) -> None:
    model = Model()
    async with kind.open() as opened:
        store = opened.dead_letters
        crm = store.of("crm", GROUP, 1 << 30)
        await crm.open()
        for step in steps:
            match step:
                case ("put", list(made), list(delivered)):
                    letters = [letter(position, lane=lane, profile_id=profile) for lane, position, profile in made]
                    model.put(letters, delivered)
                    assert await crm.put(letters, delivered) == Stored()
                case ("ask", bool(superseded)):
                    model.ask(superseded)
                    await store.ask(Filter(), superseded=superseded)
                case ("replayed", bool(delivered)):
                    given = await crm.requested(1)
                    wanted = sorted(key for key, kept in model.kept.items() if kept.replay != "none")
                    assert [(each.lane, each.position) for each in given] == wanted[:1]
                    for each in given:
                        key = (each.lane, each.position)
                        if delivered:
                            del model.kept[key]
                            assert await crm.delivered(each.id) == Stored()
                        else:
                            model.kept[key] = replace(model.kept[key], replay="none")
                            assert await crm.failed(each.id, model.kept[key].letter) == Stored()
                case ("purge", str(profile)):
                    model.kept = {key: kept for key, kept in model.kept.items() if kept.letter.profile_id != profile}
                    await store.purge(Filter(profile_id=profile))
                case ("restart",):
                    crm = store.of("crm", GROUP, 1 << 30)
                    await crm.open()
                case other:
                    raise AssertionError(other)
            await _compare(opened, model)
            current = {kept.letter.profile_id for kept in model.kept.values() if not kept.superseded}
            assert all(crm.concerns(profile) for profile in current if profile is not None)


async def _compare(opened: Opened, model: Model) -> None:
    found = await opened.dead_letters.page(Filter(), after=0, limit=1000)
    assert {(each.lane, each.position): (each.profile_id, each.superseded, each.replay) for each in found} == {
        key: (kept.letter.profile_id, kept.superseded, kept.replay) for key, kept in model.kept.items()
    }
    seen = await opened.store.overview()
    sizes = [size_bytes(storable_letter(kept.letter)) for kept in model.kept.values()]
    assert seen.totals.get("crm", Totals()) == Totals(len(sizes), sum(sizes))
    assert seen.asked == ({"crm"} if any(kept.replay != "none" for kept in model.kept.values()) else frozenset())
    asked = {key[0] for key, kept in model.kept.items() if kept.replay != "none"}
    assert list(await opened.store.asked_lanes("crm")) == sorted(asked)


def test_the_reasons_are_those_that_dataflows_give() -> None:
    assert get_args(Reason) == get_args(DeadLetterReason)
