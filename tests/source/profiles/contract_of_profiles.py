"""What every kind of profile store does; a test class of a kind gives ``opening``, each time of the same store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from profile_records import NOON, ROOM, membership, named, record

from exporter.source.profiles.merge.memberships import EXITED_KEPT_MS
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Bad, Deletion, Outcome, Step, Unlinking
from exporter.source.profiles.port import Applied, Mark, MarkMoved, ProfileStore, Refused
from exporter.source.profiles.tally import Tally
from exporter.source.records import Identity, Operation, Record

Opening = Callable[[Rules], AbstractAsyncContextManager[ProfileStore]]

CREATED, TOLD, UNCHANGED = Outcome.CREATED, Outcome.TOLD, Outcome.UNCHANGED
DAY = 86_400_000


async def applied(store: ProfileStore, *steps: Step) -> Sequence[Outcome]:
    result = await store.apply(steps, ROOM)
    assert isinstance(result, Applied)
    return result.outcomes


async def events(store: ProfileStore, after: int = 0) -> list[dict[str, Any]]:
    return [orjson.loads(each.body) for each in await store.told(after, 1000, 1 << 30)]


async def changes(store: ProfileStore, *steps: Step) -> list[dict[str, Any]]:
    """The ``changes`` of the events that ``steps`` make, without what is empty."""
    seen = await store.told(0, 1000, 1 << 30)
    await applied(store, *steps)
    found = await events(store, seen[-1].number if seen else 0)
    return [{key: value for key, value in each["changes"].items() if value} for each in found]


async def entity(store: ProfileStore, who: str, at: int = NOON) -> dict[str, Any] | None:
    """The attributes of a profile."""
    found = await store.profile(named(who), at)
    if found is None:
        return None
    return {key: value for key, value in found.entity.items() if key not in ("identityMap", "segmentMembership")}


async def profile_id(store: ProfileStore, who: str) -> str | None:
    found = await store.profile(named(who), NOON)
    return None if found is None else found.profile_id


class Contract:
    """The tests."""

    @pytest.fixture
    def opening(self) -> Opening:
        raise NotImplementedError

    async def test_a_first_record_makes_a_profile_and_tells_all_of_it(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            who = (named("email:a", "ambiguous"), named("crmid:1"))
            said = {"person": {"name": {"firstName": "Ann"}}, "a.b": [1, {"c": None}]}
            entered = (membership("s", "realized", NOON - 5),)
            assert await applied(store, record(*who, entity=said, memberships=entered, xaction_id="1:2:3")) == [CREATED]
            [told] = await store.told(0, 10, ROOM)
            identities = {
                "email": [{"id": "a", "primary": True, "authenticatedState": "ambiguous"}],
                "crmid": [{"id": "1", "primary": False}],
            }
            assert orjson.loads(told.body) == {
                "id": "1:2:3",
                "profileId": told.profile_id,
                "occurredAt": "2023-11-14T22:13:20.000Z",
                "destination": None,
                "changes": {
                    "segments": [{"namespace": "ups", "id": "s", "from": None, "to": "realized"}],
                    "identities": ["email", "crmid"],
                    "attributes": ["person.name.firstName", "a\\.b"],
                    "joined": [],
                    "backfill": False,
                },
                "profile": {
                    **said,
                    "segmentMembership": {
                        "ups": {"s": {"lastQualificationTime": "2023-11-14T22:13:19.995Z", "status": "realized"}}
                    },
                    "identityMap": identities,
                },
            }
            assert told.profile_id.startswith("p-")
            assert len(told.profile_id) == 22
            found = await store.profile(named("crmid:1"), NOON)
            assert found is not None
            assert found.entity == orjson.loads(told.body)["profile"]
            assert (found.profile_id, found.sources, found.tags) == (told.profile_id, ["crm"], ["1:2:3"])
            assert found.identities == [replace(who[0], primary=True), who[1]]
            assert found.modified == NOON

    async def test_the_id_of_a_profile_is_that_of_its_first_identity(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("email:a"), record("email:b"))
            first = await profile_id(store, "email:a")
            assert first != await profile_id(store, "email:b")
            await applied(store, Deletion("d", NOON + 1, named("email:a")), record("email:a", at=2))
            assert await profile_id(store, "email:a") == first

    @pytest.mark.parametrize(
        ("before", "now", "paths"),
        [
            pytest.param({"a": 1}, record("e:1", at=1, entity={"a": 1}), ["a"], id="the same value"),
            pytest.param({"a": 1, "b": 1}, record("e:1", at=1, entity={"a": 2}), ["a", "b"], id="create lets one go"),
            pytest.param(
                {"a": 1, "b": 1}, record("e:1", at=1, entity={"b": 2}, operation=Operation.MERGE), ["b"], id="merge"
            ),
            pytest.param(
                {"a": 1, "b": 1}, record("e:1", at=1, entity={"b": None}, operation=Operation.MERGE), ["b"], id="null"
            ),
            pytest.param({"a": 1}, record("e:1", at=1, operation=Operation.DELETE), ["a"], id="delete"),
            pytest.param({"a": 1}, record("e:1", at=1, dataset="web", entity={"a": 2}), ["a"], id="another dataset"),
            pytest.param({"a": 1}, record("e:1", at=-1, entity={"a": 2, "b": 2}), None, id="an older create"),
            pytest.param(
                {"a": 1},
                record("e:1", at=1, entity={"x": None}, operation=Operation.MERGE),
                None,
                id="nothing to remove",
            ),
            pytest.param({"a": 1}, record("e:1", at=1, entity={"a": 2}, time_series=True), None, id="time series"),
        ],
    )
    async def test_attributes_are_what_was_written_and_what_is_another_value(
        self, opening: Opening, before: dict[str, Any], now: Record, paths: list[str] | None
    ) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", entity=before))
            assert await changes(store, now) == ([] if paths is None else [{"attributes": paths}])

    async def test_a_dataset_that_let_go_of_a_leaf_brings_the_value_of_another_to_the_fore(
        self, opening: Opening
    ) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", entity={"a": 1}), record("e:1", at=1, dataset="web", entity={"a": 2}))
            assert await entity(store, "e:1") == {"a": 2}
            web = record("e:1", at=2, dataset="web", entity={"b": 2})
            assert await changes(store, web) == [{"attributes": ["b", "a"]}]
            assert await entity(store, "e:1") == {"a": 1, "b": 2}
            found = await store.profile(named("e:1"), NOON)
            assert found is not None
            assert set(found.sources) == {"crm", "web"}

    async def test_the_dataset_that_wins_and_those_that_do_not_count(self, opening: Opening) -> None:
        async with opening(Rules(precedence=("crm", "web"))) as store:
            await applied(store, record("e:1", entity={"a": 1, "o": {"x": 1}}))
            assert await changes(store, record("e:1", at=1, dataset="web", entity={"a": 2, "b": 2, "o": 1})) == [
                {"attributes": ["a", "b", "o"]}
            ]
            assert await changes(store, record("e:1", at=2, dataset="other", entity={"a": 3, "c": 3})) == []
            assert await entity(store, "e:1") == {"a": 1, "b": 2, "o": {"x": 1}}
            found = await store.profile(named("e:1"), NOON)
            assert found is not None
            assert set(found.sources) == {"crm", "web"}

    async def test_two_records_of_one_transaction_meet_in_memory(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            told = await changes(
                store,
                record("e:1", entity={"a": 1}),
                record("e:1", at=1, entity={"b": 1}, operation=Operation.MERGE),
                record("c:1", "e:1", at=2, dataset="web"),
            )
            assert told == [{"identities": ["e"], "attributes": ["a"]}, {"attributes": ["b"]}, {"identities": ["c"]}]
            assert await entity(store, "c:1") == {"a": 1, "b": 1}
            counts = await store.counts()
            assert (counts.profiles, counts.identities, counts.joins) == (1, 2, 0)

    async def test_a_join_leaves_the_oldest_profile_with_all_of_both(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON - 1), membership("t", "realized", NOON + 1))
            left = (membership("s", "exited", NOON),)
            await applied(store, record("e:1", entity={"a": 1, "b": 1}, memberships=left))
            await applied(store, record("c:1", at=1, dataset="web", entity={"b": 2, "c": 2}, memberships=entered))
            old, young = await profile_id(store, "e:1"), await profile_id(store, "c:1")
            both = record("c:1", "e:1", at=2, dataset="third", entity={"d": 3})
            [told] = await changes(store, both)
            assert told == {
                "segments": [{"namespace": "ups", "id": "t", "from": None, "to": "realized"}],
                "identities": ["e", "c"],
                "attributes": ["d", "b", "c"],
                "joined": [young],
            }
            assert {await profile_id(store, who) for who in ("e:1", "c:1")} == {old}
            assert await entity(store, "e:1") == {"a": 1, "b": 2, "c": 2, "d": 3}
            counts = await store.counts()
            assert (counts.profiles, counts.identities, counts.joins) == (1, 2, 1)
        async with opening(Rules()) as store:
            assert {await profile_id(store, who) for who in ("e:1", "c:1")} == {old}
            assert await changes(store, record("c:1", at=3, dataset="web", entity={"c": 3})) == [
                {"attributes": ["c", "b"]}
            ]

    async def test_three_profiles_that_were_made_and_joined_in_one_transaction(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            steps = [record(f"e:{number}", at=number, entity={f"a{number}": 1}) for number in range(3)]
            [*_, told] = await changes(store, *steps, record("e:2", "e:1", "e:0", at=3))
            assert len(told["joined"]) == 2
            assert await entity(store, "e:2") == {"a0": 1, "a1": 1}
            counts = await store.counts()
            assert (counts.profiles, counts.identities, counts.joins) == (1, 3, 2)

    async def test_identities_that_are_not_linked_stay_apart(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", "c:1", links=False))
            assert await profile_id(store, "c:1") is None
        async with opening(Rules(linked=False)) as store:
            await applied(store, record("e:2", "c:1"))
            assert await profile_id(store, "c:1") is None

    async def test_ids_that_are_nobodys(self, opening: Opening) -> None:
        async with opening(Rules(ignore=frozenset({"n/a"}))) as store:
            await applied(store, record("e:1", "c:N/A"), record("e:2", "c: n/a"))
            assert await profile_id(store, "e:1") != await profile_id(store, "e:2")
            assert await store.apply([record("c:n/a")], ROOM) == Refused({0: Bad("no_primary_identity")})

    async def test_a_join_that_would_give_a_unique_namespace_two_ids_is_refused(self, opening: Opening) -> None:
        async with opening(Rules(unique=frozenset({"crmid"}))) as store:
            await applied(store, record("crmid:1", "e:1"), record("crmid:2", "e:2"))
            assert await applied(store, record("e:1", "e:2", at=1), record("e:1", "crmid:3", at=2)) == [TOLD, UNCHANGED]
            assert await profile_id(store, "e:1") != await profile_id(store, "e:2")
            assert await profile_id(store, "crmid:3") is None
            await applied(store, record("e:9", "e:1", at=3))
            assert await profile_id(store, "e:9") == await profile_id(store, "crmid:1")
            assert (await store.counts()).refused_links == 2

    async def test_a_profile_has_no_more_identities_than_it_may(self, opening: Opening) -> None:
        async with opening(Rules(max_identities=3)) as store:
            result = await store.apply([record(*(f"e:{number}" for number in range(5)), entity={"a": 1})], ROOM)
            assert isinstance(result, Applied)
            assert result.refused_links == 2
            assert await entity(store, "e:2") == {"a": 1}
            assert await profile_id(store, "e:3") is None
            await applied(store, record("e:3"), record("e:3", "e:0", at=1))
            assert await profile_id(store, "e:3") != await profile_id(store, "e:0")

    async def test_identities_that_are_told(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            first = record(named("e:1", "ambiguous"), named("c:1"))
            await applied(store, first)
            assert await changes(store, record(named("e:1", "ambiguous"), at=1)) == []
            assert await changes(store, record(named("e:1", "authenticated"), at=3)) == [{"identities": ["e"]}]
            assert await changes(store, record(named("e:1", "loggedOut"), at=2)) == []
            assert await changes(store, record(named("e:1"), at=4)) == []
            assert await changes(store, record("c:1", "e:1", at=5)) == [{"identities": ["c"]}]
            found = await store.profile(named("e:1"), NOON)
            assert found is not None
            assert found.identities == [Identity("e", "1", "authenticated", True), Identity("c", "1", None, True)]

    async def test_a_record_that_is_applied_again_tells_only_what_it_says_otherwise_now(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            first = record("e:1", "c:1", entity={"a": 1, "b": [1]}, memberships=(membership("s", "realized", NOON),))
            merges = record("e:1", at=1, entity={"c": 1}, operation=Operation.MERGE, links=False)
            web = record("c:1", at=2, entity={"d": 1}, dataset="web")
            await applied(store, first, merges, web)
            before = await entity(store, "e:1")
            assert await applied(store, first, merges, web) == [UNCHANGED] * 3
            assert await entity(store, "e:1") == before
            assert await changes(store, replace(web, entity={"d": 1, "x": True})) == [{"attributes": ["x"]}]
            assert await changes(store, replace(web, entity={"d": 2})) == [{"attributes": ["d", "x"]}]
            assert await changes(store, replace(merges, entity={"c": 2})) == [{"attributes": ["c"]}]
            assert await changes(store, replace(first, entity={"a": 3, "c": 1})) == [{"attributes": ["a", "b"]}]
            shown = await store.profile(named("e:1"), NOON)
            assert shown is not None
            assert {key: shown.entity[key] for key in ("a", "c", "d")} == {"a": 3, "c": 2, "d": 2}
            assert "b" not in shown.entity

    async def test_of_a_time_series_only_identities_are_kept(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            event = record(
                *("e:1", "c:1"), entity={"a": 1}, memberships=(membership("s", "realized", NOON),), time_series=True
            )
            assert await changes(store, event) == [{"identities": ["e", "c"]}]
            assert await entity(store, "c:1") == {}
            assert await changes(store, replace(event, taken=NOON + 1)) == []
            assert await store.time_series(named("c:1"), 0, NOON + 9, 10) == []

    async def test_a_time_series_that_is_kept_follows_its_identity_and_goes_with_it(self, opening: Opening) -> None:
        async with opening(Rules(keeps_time_series=True)) as store:

            async def kept(who: str, since: int = 0, limit: int = 10) -> list[Any]:
                return [each.entity["n"] for each in await store.time_series(named(who), since, NOON + 9, limit)]

            mine = [record("e:1", at=at, entity={"n": at}, time_series=True) for at in (1, 2, 3)]
            await applied(store, *mine, record("c:1", at=4, entity={"n": 2**70}, dataset="web", time_series=True))
            await applied(store, mine[0])
            assert (await kept("e:1"), await kept("c:1")) == ([1, 2, 3], [2**70])
            assert (await kept("e:1", NOON + 2), await kept("e:1", limit=1)) == ([2, 3], [1])
            await applied(store, record("e:1", "c:1", at=5))
            assert await kept("c:1") == [1, 2, 3, 2**70]
            assert await entity(store, "e:1") == {}
            assert (await store.drop_time_series(NOON + 3, 1), await kept("c:1")) == (1, [2, 3, 2**70])
            assert (await store.drop_time_series(NOON + 3, 9), await kept("c:1")) == (1, [3, 2**70])
            await store.forget_dataset("web", "f", NOON + 9, ROOM, 0, 10)
            assert await kept("c:1") == [3]
            await applied(store, Deletion("gone", NOON + 6, named("c:1")), record("e:1", at=7))
            assert await kept("e:1") == []

    @pytest.mark.parametrize(
        ("then", "told"),
        [
            pytest.param(("existing", 1), [("realized", "existing")], id="another status"),
            pytest.param(("realized", 1), [], id="the same status"),
            pytest.param(("exited", -1), [], id="qualified earlier"),
            pytest.param(("exited", 0), [("realized", "exited")], id="at the same time"),
        ],
    )
    async def test_memberships_go_by_the_time_of_qualification(
        self, opening: Opening, then: tuple[str, int], told: list[tuple[str, str]]
    ) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", memberships=(membership("s", "realized", NOON),)))
            status, at = then
            found = await changes(store, record("e:1", at=1, memberships=(membership("s", status, NOON + at),)))
            assert [(each["from"], each["to"]) for one in found for each in one["segments"]] == told

    async def test_a_time_of_qualification_to_come_keeps_nobody_in_a_segment(self, opening: Opening) -> None:
        years = 73 * 365 * DAY
        ahead = replace(membership("s", "realized", NOON + years), entry={"lastQualificationTime": "2096-11-14T00:00Z"})
        async with opening(Rules()) as store:
            await applied(store, record("e:1", memberships=(ahead,)))
            found = await store.profile(named("e:1"), NOON)
            assert found is not None
            assert found.entity["segmentMembership"]["ups"]["s"]["lastQualificationTime"] == "2096-11-14T00:00Z"
            (told,) = await changes(store, record("e:1", at=1, memberships=(membership("s", "exited", NOON + 1),)))
            assert [(each["from"], each["to"]) for each in told["segments"]] == [("realized", "exited")]
            await applied(store, record("e:1", at=2, memberships=(ahead,)))
            assert (await store.lapse(DAY, "l", NOON + DAY + 3, ROOM, 0, 10)).changed == 1

    async def test_a_create_leaves_memberships_and_an_older_record_of_the_same_time_does_not_count(
        self, opening: Opening
    ) -> None:
        async with opening(Rules()) as store:
            entered, left = membership("s", "realized", NOON), membership("s", "exited", NOON)
            await applied(store, record("e:1", at=1, memberships=(entered,)), record("e:1", at=2, entity={"a": 1}))
            assert await changes(store, record("e:1", at=0, memberships=(left,))) == []
            found = await store.profile(named("e:1"), NOON)
            assert found is not None
            assert found.entity["segmentMembership"]["ups"]["s"]["status"] == "realized"

    async def test_exits_go_after_30_days_and_do_not_come_back(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            late = EXITED_KEPT_MS + 1
            entered = record("e:1", memberships=(membership("s", "realized", NOON - 1),))
            left = record("e:1", at=1, memberships=(membership("s", "exited", NOON),))
            await applied(store, entered, left)
            assert await changes(store, record("e:1", at=late - 1)) == []
            kept, gone = (
                await store.profile(named("e:1"), NOON + late - 1),
                await store.profile(named("e:1"), NOON + late),
            )
            assert kept is not None
            assert gone is not None
            assert ("segmentMembership" in kept.entity, "segmentMembership" in gone.entity) == (True, False)
            assert await changes(store, record("e:1", at=late)) == []
            assert await changes(store, entered) == []
            again = record("e:1", at=late + 1, memberships=(membership("s", "realized", NOON + late),))
            assert await changes(store, again) == [
                {"segments": [{"namespace": "ups", "id": "s", "from": None, "to": "realized"}]}
            ]

    async def test_a_bad_record_changes_nothing_and_nothing_else_is_applied_with_it(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", entity={"a": 1}))
            large = record("c:1", "e:1", at=1, entity={"b": "x" * 2000})
            deep: dict[str, Any] = {"a": [[]]}
            for _ in range(150):
                deep["a"] = [deep["a"]]
            far: dict[str, Any] = {"a": 2**70}
            steps = [record("e:2", at=1), large, record("e:3", entity=far)]
            mark = Mark("intake", "0", 0, 3)
            assert await store.apply(steps, 1000, [mark], lambda outcomes: Tally({"n": len(outcomes)})) == Refused(
                {1: Bad("too_large"), 2: Bad("too_large")}
            )
            assert await profile_id(store, "e:2") is None
            assert await store.counters() == {}
            assert await store.marks("intake") == {}
            assert len(await events(store)) == 1
            assert await applied(store, record("e:4", entity=deep)) == [CREATED]
            deep["a"] = [[deep["a"]]] * 60
            for _ in range(60):
                deep["a"] = [deep["a"]]
            assert await store.apply([record("e:5", entity=deep)], ROOM) == Refused({0: Bad("too_large")})

    async def test_marks_counters_and_events_are_one_transaction(self, opening: Opening) -> None:
        async with opening(Rules()) as store:

            def tally(outcomes: Sequence[Outcome]) -> Tally:
                return Tally({f"f/{outcome.value}": list(outcomes).count(outcome) for outcome in set(outcomes)})

            steps = [record("e:1", entity={"a": 1}), record("e:1", at=-1, entity={"a": 0})]
            await store.apply(steps, ROOM, [Mark("intake", "0", 0, 2), Mark("intake", "1", 0, 9)], tally)
            await store.apply([record("e:1", at=1)], ROOM, [Mark("intake", "0", 2, 7)], tally)
            assert await store.marks("intake") == {"0": 7, "1": 9}
            assert await store.marks("other") == {}
            with pytest.raises(MarkMoved):
                await store.apply([record("e:2")], ROOM, [Mark("intake", "1", 9, 10), Mark("intake", "0", 2, 7)], tally)
            assert await profile_id(store, "e:2") is None
        async with opening(Rules()) as store:
            assert await store.marks("intake") == {"0": 7, "1": 9}
            assert await store.counters("f/") == {"f/created": 1, "f/told": 1, "f/unchanged": 1}
            assert await store.counters("g") == {}

    async def test_the_outbox_is_read_in_order_and_its_numbers_never_come_back(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, *(record(f"e:{number}", at=number, entity={"a": "x" * 100}) for number in range(5)))
            await applied(store, *(record(f"e:{number}", at=number) for number in range(5, 8)))
            assert [each.number for each in await store.told(0, 100, ROOM)] == list(range(1, 9))
            assert [each.number for each in await store.told(2, 2, ROOM)] == [3, 4]
            assert [each.number for each in await store.told(0, 100, 1)] == [1]
            counts = await store.counts()
            sizes = [len(each.body) for each in await store.told(0, 100, ROOM)]
            assert (counts.outbox_events, counts.outbox_bytes) == (8, sum(sizes))
            await store.delete_told(6)
            assert [each.number for each in await store.told(0, 100, ROOM)] == [7, 8]
            await store.delete_told(3)
            assert (await store.counts()).outbox_events == 2
            await store.delete_told(8)
            assert await store.told(0, 100, ROOM) == []
            counts = await store.counts()
            assert (counts.outbox_events, counts.outbox_bytes) == (0, 0)
        async with opening(Rules()) as store:
            await applied(store, record("e:9"))
            assert [each.number for each in await store.told(0, 100, ROOM)] == [9]

    async def test_large_events_are_kept_in_order(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            said = {"a": "x" * 200_000}
            await applied(store, *(record(f"e:{number}", at=number, entity=said) for number in range(7)))
            told = await store.told(0, 100, 1 << 30)
            assert [orjson.loads(each.body)["id"] for each in told] == [f"{NOON + at}:1:{at}" for at in range(7)]
            assert [each.number for each in await store.told(2, 100, 500_000)] == [3, 4, 5]

    async def test_a_deletion_tells_that_the_profile_left_and_forgets_it(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON), membership("t", "exited", NOON))
            old = record("e:1", "c:1", entity={"a": 1}, memberships=entered)
            await applied(store, old)
            deletion = Deletion("gone", NOON + 5, named("c:1"))
            [told] = await changes(store, deletion)
            assert told == {"segments": [{"namespace": "ups", "id": "s", "from": "realized", "to": "exited"}]}
            [*_, last] = await events(store)
            assert last["id"] == "gone"
            assert last["profile"] == {
                "segmentMembership": {
                    "ups": {"s": {"lastQualificationTime": "2023-11-14T22:13:20.005Z", "status": "exited"}}
                },
                "identityMap": {"e": [{"id": "1", "primary": True}], "c": [{"id": "1", "primary": False}]},
            }
            for who in ("e:1", "c:1"):
                assert await profile_id(store, who) is None
            counts = await store.counts()
            assert (counts.profiles, counts.identities) == (0, 0)
            assert await applied(store, deletion, old, record("c:1", at=5, entity={"a": 1})) == [UNCHANGED] * 3
            assert await applied(store, record("c:1", at=6, entity={"b": 1})) == [CREATED]
            assert await entity(store, "c:1") == {"b": 1}

    async def test_a_deletion_takes_nothing_that_was_written_later(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            later = (membership("t", "realized", NOON),)
            await applied(store, record("e:1", entity={"a": 1}, memberships=(membership("s", "realized", NOON),)))
            await applied(store, record("e:1", at=9, dataset="web", entity={"b": 1}, memberships=later))
            assert await changes(store, Deletion("gone", NOON + 5, named("e:1"))) == [
                {
                    "segments": [{"namespace": "ups", "id": "s", "from": "realized", "to": "exited"}],
                    "attributes": ["a"],
                }
            ]
            assert await entity(store, "e:1") == {"b": 1}

    async def test_what_was_removed_after_the_time_of_a_deletion_does_not_come_back(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", entity={"a": 1}))
            await applied(store, record("e:1", at=9, entity={"a": None}, operation=Operation.MERGE))
            assert await changes(store, Deletion("gone", NOON + 5, named("e:1"))) == []
            assert await changes(store, record("e:1", at=7, entity={"a": 1}, operation=Operation.MERGE)) == []

    async def test_an_older_record_does_not_link_a_deleted_identity(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1"), Deletion("gone", NOON + 5, named("e:1")))
            await applied(store, record("c:1", "e:1", at=4))
            assert await profile_id(store, "e:1") is None
            await applied(store, record("c:1", "e:1", at=6))
            assert await profile_id(store, "e:1") == await profile_id(store, "c:1")

    async def test_a_deletion_may_tell_nothing(self, opening: Opening) -> None:
        async with opening(Rules(delete_tells=False)) as store:
            await applied(store, record("e:1", memberships=(membership("s", "realized", NOON),)))
            assert await changes(store, Deletion("gone", NOON + 5, named("e:1"))) == []
            assert await profile_id(store, "e:1") is None

    async def test_a_deleted_dataset_of_nobody_makes_nobody_known(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            assert await changes(store, record("e:1", operation=Operation.DELETE)) == []
            assert await profile_id(store, "e:1") is None

    async def test_an_identity_is_unlinked(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON),)
            await applied(store, record("e:1", entity={"a": 1}, memberships=entered))
            await applied(store, record("c:1", "e:1", at=1, entity={"b": 1}))
            old = await profile_id(store, "e:1")
            assert await changes(store, Unlinking("u", NOON + 2, named("c:1"))) == [
                {"identities": ["c"], "attributes": ["b"]},
                {"identities": ["c"], "attributes": ["b"]},
            ]
            assert [each["id"] for each in await events(store)][-2:] == ["u", "u:1"]
            assert (await entity(store, "e:1"), await entity(store, "c:1")) == ({"a": 1}, {"b": 1})
            assert old == await profile_id(store, "e:1") != await profile_id(store, "c:1")
            assert await changes(store, Unlinking("v", NOON + 3, named("c:1"))) == []
            [told] = await changes(store, record("c:1", "e:1", at=4))
            assert len(told["joined"]) == 1
            counts = await store.counts()
            assert (counts.profiles, counts.identities) == (1, 2)

    async def test_the_first_identity_takes_the_id_along_when_unlinked(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON),)
            await applied(store, record("e:1", "c:1", entity={"a": 1}, memberships=entered))
            old = await profile_id(store, "e:1")
            alone, rest = await changes(store, Unlinking("u", NOON + 2, named("e:1")))
            assert alone["segments"] == [{"namespace": "ups", "id": "s", "from": "realized", "to": "exited"}]
            assert rest["segments"] == [{"namespace": "ups", "id": "s", "from": None, "to": "realized"}]
            assert await profile_id(store, "e:1") == old
            assert await entity(store, "e:1") == {"a": 1}
            assert await entity(store, "c:1") == {}

    async def test_all_records_of_a_profile_in_one_transaction_may_make_one_event(self, opening: Opening) -> None:
        async with opening(Rules(coalesce=True)) as store:
            steps = [
                record("e:1", entity={"a": 1}, memberships=(membership("s", "realized", NOON),)),
                record("e:2", entity={"a": 1}),
                record("e:1", at=1, entity={"b": 1}, memberships=(membership("s", "existing", NOON + 1),)),
            ]
            assert await applied(store, *steps) == [CREATED, CREATED, TOLD]
            other, both = await events(store)
            assert other["changes"]["identities"] == ["e"]
            assert both["id"] == f"{NOON + 1}:1:1"
            assert both["changes"]["segments"] == [{"namespace": "ups", "id": "s", "from": None, "to": "existing"}]
            assert (both["changes"]["identities"], both["changes"]["attributes"]) == (["e"], ["a", "b"])
            await applied(store, record("e:1", at=2))
            assert len(await events(store)) == 3

    async def test_a_backfill_tells_members_and_goes_on_where_it_was(self, opening: Opening) -> None:
        s, t = ("ups", "s"), ("ups", "t")
        async with opening(Rules()) as store:
            for number in range(6):
                status = "exited" if number == 3 else "realized"
                entered = membership("t" if number == 4 else "s", status, NOON)
                await applied(store, record(f"e:{number}", entity={"n": number}, memberships=(entered,)))
            begun = await store.begin_backfill("crm", [s, t], NOON)
            assert begun is not None
            assert (begun.total, begun.done, begun.finished) == (5, 0, False)
            assert await store.begin_backfill("crm", [s], NOON) is None
            await store.delete_told(6)
            first = await store.backfill(begun.number, 2, NOON + 7, ROOM)
            assert (first.done, first.total, first.finished) == (2, 5, False)
            [told, _] = await events(store)
            assert told["id"] == f"backfill:{begun.number}:{told['profileId']}"
            assert told["destination"] == "crm"
            assert told["changes"] == {
                "segments": [],
                "identities": [],
                "attributes": [],
                "joined": [],
                "backfill": True,
            }
            assert told["profile"]["n"] == 0
            await applied(store, record("e:9", memberships=(membership("s", "realized", NOON),)))
        async with opening(Rules()) as store:
            assert list(await store.backfills()) == [first]
            last = await store.backfill(first.number, 100, NOON, ROOM)
            assert (last.done, last.total, last.finished) == (6, 6, True)
            found = [each for each in await events(store) if each["changes"]["backfill"]]
            assert [each["profile"].get("n") for each in found] == [0, 1, 2, 4, 5, None]
            assert await store.backfill(first.number, 100, NOON, ROOM) == last
            again = await store.begin_backfill("crm", [t], NOON + 1)
            everybody = await store.begin_backfill("crm", [], NOON)
            assert again is not None
            assert everybody is not None
            assert (again.total, everybody.total) == (1, 7)
            assert (await store.backfill(everybody.number, 100, NOON, 1)).skipped == 7
            with pytest.raises(KeyError):
                await store.backfill(99, 1, NOON, ROOM)

    async def test_members_follow_joins_and_deletions(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON),)
            await applied(store, record("e:1"), record("e:2", memberships=entered), record("e:3", memberships=entered))
            await applied(store, record("e:1", "e:2", at=1), Deletion("d", NOON + 2, named("e:3")))
            begun = await store.begin_backfill("crm", [("ups", "s")], NOON)
            assert begun is not None
            assert begun.total == 1
            await store.backfill(begun.number, 10, NOON, ROOM)
            assert (await events(store))[-1]["profileId"] == await profile_id(store, "e:1")

    @pytest.mark.parametrize("together", [True, False])
    async def test_members_are_those_after_all_of_a_transaction(self, opening: Opening, together: bool) -> None:
        def said(who: str, at: int, status: str | None) -> Record:
            entry = () if status is None else (membership("s", status, NOON + at),)
            return record(who, at=at, entity={"n": at}, memberships=entry)

        steps: list[Step] = [said("e:1", 0, None), said("e:1", 1, "realized"), said("e:1", 2, "exited")]
        back = [said("e:2", 3, "realized"), said("e:2", 4, "exited"), said("e:2", 5, "realized"), said("e:2", 6, None)]
        steps += back
        steps += [said("e:3", 7, "realized"), said("e:4", 8, None), record("e:4", "e:3", at=9)]
        steps += [said("e:5", 10, "realized"), Deletion("d", NOON + 11, named("e:5"))]
        async with opening(Rules()) as store:
            for some in [steps] if together else [[step] for step in steps]:
                await applied(store, *some)
            begun = await store.begin_backfill("crm", [("ups", "s")], NOON)
            assert begun is not None
            last = (await store.told(0, 1000, 1 << 30))[-1].number
            await store.backfill(begun.number, 10, NOON, ROOM)
            found = {each["profileId"] for each in await events(store, last)}
            assert found == {await profile_id(store, "e:2"), await profile_id(store, "e:3")}

    async def test_a_dataset_is_forgotten(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            await applied(store, record("e:1", entity={"a": 1}), record("e:1", dataset="web", entity={"b": 1}, at=1))
            await applied(store, record("e:2", dataset="web", entity={"b": 1}), record("e:3", entity={"a": 1}))
            first = await store.forget_dataset("web", "f", NOON + 9, ROOM, 0, 1)
            assert (first.changed, first.next is not None) == (1, True)
            assert first.next is not None
            rest = await store.forget_dataset("web", "f", NOON + 9, ROOM, first.next, 10)
            assert (rest.changed, rest.next) == (1, None)
            assert [await entity(store, f"e:{number}") for number in (1, 2, 3)] == [{"a": 1}, None, {"a": 1}]
            told = (await events(store))[-2:]
            assert [each["changes"]["attributes"] for each in told] == [["b"], ["b"]]
            assert told[0]["id"] == f"f:{told[0]['profileId']}"

    async def test_memberships_without_news_lapse(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            until = replace(membership("u", "realized", NOON), entry={"validUntil": "2023-11-14T22:13:21Z"})
            await applied(store, record("e:1", memberships=(membership("s", "realized", NOON), until)))
            await applied(store, record("e:2", at=DAY, memberships=(membership("s", "realized", NOON + DAY),)))
            swept = await store.lapse(DAY, "l", NOON + DAY + 1, ROOM, 0, 10)
            assert (swept.changed, swept.next) == (1, None)
            assert [(each["id"], each["to"]) for each in (await events(store))[-1]["changes"]["segments"]] == [
                ("s", "exited"),
                ("u", "exited"),
            ]
            assert (await store.lapse(DAY, "l", NOON + DAY + 1, ROOM, 0, 10)).changed == 0

    @pytest.mark.parametrize(
        ("taken", "told"),
        [
            pytest.param(DAY + 2, [("exited", "realized")], id="taken after the lapse"),
            pytest.param(DAY, [], id="taken before it"),
        ],
    )
    async def test_a_lapse_yields_to_what_is_taken_after_it(
        self, opening: Opening, taken: int, told: list[tuple[str, str]]
    ) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON),)
            await applied(store, record("e:1", memberships=entered), record("e:2"))
            assert (await store.lapse(DAY, "l", NOON + DAY + 1, ROOM, 0, 10)).changed == 1
            lines = (await store.export_profiles(0, 10)).lines
            await applied(store, Deletion("d", NOON + DAY + 1, named("e:1")))
            await store.import_profiles(lines)
            found = await changes(store, record("e:1", at=taken, memberships=entered))
            assert [(each["from"], each["to"]) for one in found for each in one.get("segments", ())] == told

    async def test_profiles_are_exported_and_imported(self, opening: Opening) -> None:
        async with opening(Rules()) as store:
            entered = (membership("s", "realized", NOON),)
            await applied(store, record(named("e:1", "x"), "c:1", entity={"a": {"b": 1}}, memberships=entered))
            await applied(store, record("e:1", at=1, entity={"c": 2}, operation=Operation.MERGE), record("e:2"))
            before = [await store.profile(named(who), NOON) for who in ("e:1", "c:1", "e:2")]
            page = await store.export_profiles(0, 1)
            assert page.next is not None
            rest = await store.export_profiles(page.next, 10)
            assert rest.next is None
            lines = [*page.lines, *rest.lines]
            assert (await store.import_profiles(lines)).known == 2
            await applied(store, Deletion("d", NOON, named("e:2")), Deletion("d", NOON + 1, named("e:1")))
            await store.delete_told(1000)
            for wrong in (b"{", b"{}", lines[0].replace(b'"identities":[', b'"x":[')):
                with pytest.raises(ValueError, match="line 3"):
                    await store.import_profiles([*lines, wrong])
            assert await store.import_profiles(lines) == type(await store.import_profiles([]))(2, 0)
            assert [await store.profile(named(who), NOON) for who in ("e:1", "c:1", "e:2")] == before
            assert await store.told(0, 1, ROOM) == []
            counts = await store.counts()
            assert (counts.profiles, counts.identities) == (2, 3)
            begun = await store.begin_backfill("crm", [("ups", "s")], NOON)
            assert begun is not None
            assert begun.total == 1

    async def test_each_opening_puts_events_into_the_outbox_under_a_name_of_its_own(self, opening: Opening) -> None:
        """So a store that came back from a copy never numbers under the name of its lost future."""
        async with opening(Rules()) as store:
            await applied(store, record("e:1"))
            first = store.name
        async with opening(Rules()) as store, opening(Rules()) as beside:
            await applied(store, record("e:2"))
            await applied(beside, record("e:3"), record("e:4"))
            await applied(store, record("e:5"))
            names = [first, store.name, beside.name, beside.name, store.name]
            assert [each.producer for each in await store.told(0, 10, ROOM)] == names
            assert len(set(names)) == 3
