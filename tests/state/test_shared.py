"""A store that several processes share, whose lanes move from one to another: each knows what the others have stored.

Order needs that: who reads a lane must neither send again what has a letter, nor leave a letter current whose profile
it has delivered, nor may two send the same replay.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from letters_made import GROUP, letter
from redis_server import RedisServer, needs_redis
from state_kinds import InRedis, Kind, Opened

from exporter.state.dataflow_letters import _PATIENCE, DataflowLetters
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, Stored, Unavailable

ROOM = 1 << 20


@pytest.fixture
async def other(kind: Kind) -> AsyncIterator[Opened]:
    """The same store in another process."""
    async with kind.open() as opened:
        yield opened


async def reader(opened: Opened, *lanes: str) -> DataflowLetters:
    letters = opened.dead_letters.of("crm", GROUP, ROOM)
    await letters.open(lambda lane: lane in lanes)
    return letters


async def test_who_is_given_a_lane_knows_its_letters(opened: Opened, other: Opened) -> None:
    one, two = await reader(opened, "j"), await reader(other, "k")
    assert await one.kept("j", [5]) == frozenset()
    assert await two.kept("k", [5]) == frozenset()
    await one.put([letter(5, profile_id="p"), letter(7, profile_id="q"), letter(8)], [("p-8", "j", 9)])

    one.let_go("j")
    assert await two.kept("j", [4, 5, 6, 7, 8, 9]) == {5, 7, 8}
    assert two.concerns("p")
    assert not two.concerns("p-8"), "its letter is superseded"
    await two.put([], [("p", "j", 9)])
    [left] = await opened.dead_letters.page(Filter(superseded=False), after=0, limit=10)
    assert left.profile_id == "q"


async def test_who_is_given_a_lane_back_knows_what_came_meanwhile(opened: Opened, other: Opened) -> None:
    one, two = await reader(opened, "j"), await reader(other, "j")
    assert await one.kept("j", [1, 2]) == frozenset()
    await one.put([letter(1)])
    one.let_go("j")
    assert await two.kept("j", [1, 2]) == {1}
    await two.put([letter(2)])
    two.let_go("j")
    assert await one.kept("j", [1, 2, 3]) == {1, 2}
    assert one.concerns("p-2")


async def test_letters_of_other_lanes_are_known_soon(opened: Opened, other: Opened) -> None:
    """A profile may move to another lane where partitions are added."""
    one, two = await reader(opened, "j"), await reader(other, "k")
    await two.kept("k", [1])
    await one.put([letter(5, profile_id="p")])
    assert not two.concerns("p")
    await two.requested(1)
    assert two.concerns("p")


async def test_each_replays_what_stands_in_its_own_lanes(opened: Opened, other: Opened) -> None:
    one, two = await reader(opened, "j", "l"), await reader(other, "k")
    await one.put([letter(3, lane="l"), letter(5), letter(4)])
    await two.put([letter(1, lane="k"), letter(9, lane="k")])
    await opened.dead_letters.ask(Filter(), superseded=False)

    assert [(each.lane, each.position) for each in await one.requested(2)] == [("j", 4), ("j", 5)]
    assert [(each.lane, each.position) for each in await two.requested(9)] == [("k", 1), ("k", 9)]
    assert [(each.lane, each.position) for each in await one.requested(9)] == [("l", 3)]
    assert list(await two.requested(9)) == []


async def test_a_replay_goes_with_its_lane(opened: Opened, other: Opened) -> None:
    held = {"one": {"j"}, "two": set[str]()}
    one, two = await reader(opened), await reader(other)
    await one.open(lambda lane: lane in held["one"])
    await two.open(lambda lane: lane in held["two"])
    await one.put([letter(4), letter(5)])
    await opened.dead_letters.ask(Filter(), superseded=False)
    first, second = await one.requested(9)
    assert not await one.superseded(first.id)
    assert await one.delivered(first.id) == Stored()
    held["one"].clear()
    one.let_go("j")

    assert list(await one.requested(9)) == []
    assert list(await two.requested(9)) == [], "nobody has the lane"
    held["two"].add("j")
    assert [each.id for each in await two.requested(9)] == [second.id]
    assert two.concerns("p-5"), "its delivery supersedes what is older"
    assert await two.failed(second.id, letter(5)) == Stored()
    held["two"].clear()
    two.let_go("j")
    held["one"].add("j")
    await opened.dead_letters.ask(Filter(), superseded=False)
    assert [each.id for each in await one.requested(9)] == [second.id]


async def test_replays_that_were_not_sent_are_given_again(opened: Opened) -> None:
    """Those of another queue may be lost with a lane that only shares its name."""
    one = await reader(opened, "old/j")
    await one.put([letter(4, lane="old/j")])
    await opened.dead_letters.ask(Filter(), superseded=False)
    [given] = await one.requested(9)
    assert list(await one.requested(9)) == []
    one.let_go("j", [given.id])
    assert [each.id for each in await one.requested(9)] == [given.id]


async def test_what_is_put_of_a_lane_that_was_let_go_is_not_stored(opened: Opened) -> None:
    """Its event was not acknowledged: whoever reads the lane has it."""
    one = await reader(opened, "j", "k")
    await one.kept("j", [1])
    one.let_go("j")
    assert await one.put([letter(1), letter(2, lane="k")]) == Stored()
    assert [each.lane for each in await opened.dead_letters.page(Filter(), after=0, limit=9)] == ["k"]
    await one.kept("j", [1])
    assert await one.put([letter(1)]) == Stored()
    assert one.count() == 2


async def test_a_letter_is_kept_once_whoever_stores_it(opened: Opened, other: Opened) -> None:
    one, two = await reader(opened), await reader(other)
    await asyncio.gather(*(each.put([letter(5), letter(6)]) for each in (one, two, one, two)))
    assert len(await opened.dead_letters.page(Filter(), after=0, limit=9)) == 2
    assert one.count() == two.count() == 2


async def test_who_sees_a_mapping_first_says_when(kind: Kind) -> None:
    segments = [("ups", f"s{number}") for number in range(20)]

    async def seen(now_ms: int) -> object:
        async with open_state(kind.settings) as state:
            return await state.mapping_times.first_seen("crm", segments, now_ms)

    first, *others = await asyncio.gather(*(seen(1000 + number) for number in range(4)))
    assert all(each == first for each in others)


async def test_a_store_keeps_its_name_and_another_has_another(kind: Kind) -> None:
    async with open_state(kind.settings) as one, open_state(kind.settings) as two:
        assert one.identity == two.identity
        await one.check()
    async with open_state(kind.settings) as again:
        assert again.identity == one.identity != ""


@pytest.fixture
def redis(redis_of_all: RedisServer) -> InRedis:
    redis_of_all.cli("FLUSHALL")
    return InRedis(redis_of_all)


@needs_redis
async def test_one_that_stood_still_while_its_lane_moved_stores_nothing_of_it(redis: InRedis) -> None:
    """On several machines nobody else can tell that it is late: its letter may be of a profile delivered since."""
    async with redis.open() as opened, redis.open() as other:
        late, new = await reader(opened, "j", "k"), await reader(other, "j")
        await late.kept("j", [5])
        await late.kept("k", [5])
        await new.kept("j", [5])
        assert isinstance(await late.put([letter(5), letter(5, lane="k")]), Unavailable)
        assert await opened.dead_letters.count(Filter()) == 0, "all or nothing"
        assert await new.put([letter(5, detail="of the new one")]) == Stored()
        late.let_go("j")  # the queue has told it
        assert await late.put([letter(5), letter(5, lane="k")]) == Stored()
        kept = await opened.dead_letters.page(Filter(), after=0, limit=9)
        assert {(each.lane, each.detail) for each in kept} == {("j", "of the new one"), ("k", "status 422")}


@needs_redis
async def test_who_still_reads_the_lane_after_all_is_right(redis: InRedis) -> None:
    """The one that stood still may begin the lane after its successor; only to it the queue says that it is lost."""
    async with redis.open() as opened, redis.open() as other:
        right, late = await reader(opened, "j"), await reader(other, "j")
        await right.kept("j", [5])
        await late.kept("j", [5])
        outcomes = [await right.put([letter(5)]) for _ in range(_PATIENCE + 2)]
        assert all(isinstance(each, Unavailable) for each in outcomes[:-1])
        assert outcomes[-1] == Stored()
        assert isinstance(await late.put([letter(6)]), Unavailable)


@needs_redis
async def test_one_that_began_a_lane_too_late_soon_lets_its_reader_go_on(redis: InRedis) -> None:
    async with redis.open() as opened, redis.open() as other:
        right, late = await reader(opened, "j"), await reader(other, "j")
        await right.kept("j", [5])
        await late.kept("j", [5])
        assert isinstance(await right.put([letter(5)]), Unavailable)
        late.let_go("j")
        await late.requested(1)
        assert await right.put([letter(5)]) == Stored()


@needs_redis
async def test_ids_stay_new_when_redis_has_lost_its_last_seconds(redis: InRedis) -> None:
    async with redis.open() as opened:
        crm = await reader(opened, "j")
        await crm.put([letter(1)])
        [first] = await opened.dead_letters.page(Filter(), after=0, limit=9)
        redis.server.cli("FLUSHALL")
        await asyncio.sleep(0.01)
        await crm.put([letter(2)])
        [second] = await opened.dead_letters.page(Filter(), after=0, limit=9)
        assert second.id > first.id
