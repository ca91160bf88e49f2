"""Any sequence of steps, on any clock, leaves the store as plain bookkeeping says; its events tell the way there."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_model import Model, all_named, leaves_of, statuses_of
from profile_records import NOON, ROOM, membership

from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Deletion, Step, Unlinking
from exporter.source.profiles.port import Applied, Mark, ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity, Operation, Record

IDENTITIES = st.builds(
    Identity, st.sampled_from(["e", "c"]), st.sampled_from("12"), st.sampled_from([None, None, "x", "y"])
)
VALUES = st.one_of(st.integers(0, 2), st.none(), st.just([1]))
ENTITIES = st.fixed_dictionaries(
    {}, optional={"a": VALUES, "b": VALUES, "o": st.fixed_dictionaries({}, optional={"x": VALUES, "y": VALUES})}
)
MEMBERSHIPS = st.lists(
    st.builds(
        membership,
        st.sampled_from("st"),
        st.sampled_from(["realized", "existing", "exited"]),
        st.integers(NOON, NOON + 5),
    ),
    max_size=2,
    unique_by=lambda each: each.id,
)
CLOCK = st.integers(NOON, NOON + 6)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Steps of all kinds; some come twice."""
    made: list[Step] = []
    for number in range(draw(st.integers(1, 14))):
        taken = draw(CLOCK)
        xaction_id = f"{taken}:1:{number}"
        what = draw(st.sampled_from(["record"] * 8 + ["replay", "delete", "unlink"]))
        if what == "replay" and made:
            made.append(draw(st.sampled_from(made)))
        elif what == "delete":
            made.append(Deletion(xaction_id, taken, draw(IDENTITIES)))
        elif what == "unlink":
            made.append(Unlinking(xaction_id, taken, draw(IDENTITIES)))
        else:
            who = draw(st.lists(IDENTITIES, min_size=1, max_size=3, unique_by=lambda each: (each.namespace, each.id)))
            made.append(
                Record(
                    xaction_id,
                    taken,
                    draw(st.sampled_from(["crm", "web"])),
                    who[0],
                    tuple(who),
                    draw(st.booleans()),
                    draw(st.sampled_from(Operation)),
                    draw(ENTITIES),
                    tuple(draw(MEMBERSHIPS)),
                    draw(st.sampled_from([False, False, False, True])),
                )
            )
    return made


@settings(max_examples=120)
@given(steps(), st.lists(st.integers(3, 7), min_size=5, max_size=5))
def test_as_bookkeeping_says(made: list[Step], sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_played(Path(folder) / "profiles.db", made, sizes))


async def _played(path: Path, made: list[Step], sizes: list[int]) -> None:
    model = Model()
    told: dict[str, dict[str, Any]] = {}
    done = seen = 0
    for size in sizes:
        batch = made[done : done + size]
        async with open_sqlite(path, Rules()) as store:
            result = await store.apply(batch, ROOM, [Mark("intake", "0", done, done + len(batch))])
            assert isinstance(result, Applied)
            done += len(batch)
            exits: dict[str, set[tuple[str, str]]] = {}
            for step in batch:
                model.apply(step)
                if isinstance(step, Deletion):
                    # The same deletion may come twice in a batch.
                    exits[step.xaction_id] = exits.get(step.xaction_id, set()) | model.exits.pop(step.xaction_id, set())
            for event in await store.told(seen, 1000, ROOM):
                seen = event.number
                body = orjson.loads(event.body)
                told[event.profile_id] = body["profile"]
                if body["id"] in exits:
                    for each in body["changes"]["segments"]:
                        assert each["to"] == "exited"
                        exits[body["id"]].remove((each["id"], each["from"]))
                for absorbed in body["changes"]["joined"]:
                    assert told.pop(absorbed) is not None
            assert not any(exits.values()), "a deletion tells every segment that is left by it"
            await _compare(store, model, made)
            await _told_all(store, model, told)


async def _compare(store: ProfileStore, model: Model, made: list[Step]) -> None:
    ids: dict[str, int] = {}
    for named in all_named(made):
        found, person = await store.profile(Identity(*named), NOON), model.person(named)
        assert (found is None) == (person is None), named
        if found is None or person is None:
            continue
        assert leaves_of(dict(found.entity)) == person.view()
        assert statuses_of(dict(found.entity)) == person.segments()
        assert [(each.namespace, each.id) for each in found.identities] == list(person.identities)
        assert [(each.primary, each.state) for each in found.identities] == [
            (primary, state) for primary, state, _ in person.identities.values()
        ]
        assert ids.setdefault(found.profile_id, id(person)) == id(person)
    counts = await store.counts()
    assert counts.profiles == len(model.people)
    assert counts.identities == sum(len(person.identities) for person in model.people)
    for segment in "st":
        inside = sum(person.segments().get(segment, "exited") != "exited" for person in model.people)
        begun = await store.begin_backfill("crm", [("ups", segment)], counts.outbox_events * 1000 + len(made))
        assert begun is None or begun.total == inside


def inside(statuses: dict[str, str]) -> dict[str, str]:
    """The memberships that count: an exit goes without an event."""
    return {segment: status for segment, status in statuses.items() if status != "exited"}


async def _told_all(store: ProfileStore, model: Model, told: dict[str, dict[str, Any]]) -> None:
    """What was last told of each profile is what the profile is now."""
    for person in model.people:
        found = await store.profile(Identity(*next(iter(person.identities))), NOON)
        assert found is not None
        last = told[found.profile_id]
        assert leaves_of(last) == person.view()
        assert inside(statuses_of(last)) == inside(person.segments())
