"""Replays of letters whose queue was deleted and made anew since: their positions say nothing about those there are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from fake_log import FakeLog
from flowing import OK, Endpoint, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.port import Outgoing
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, NewLetter
from exporter.state.sqlite.settings import SqliteSettings

GROUP = "exporter.d"


def old_letter() -> NewLetter:
    """Of a lane that the queue had before it was made anew, with a higher position than there is now."""
    return NewLetter(
        group=GROUP,
        lane="fake/0-of-before",
        position=1_000,
        destination="d",
        profile_id="p",
        event_id="old",
        body=event(1),
        reason="rejected",
        detail="HTTP 422",
        status=422,
        attempts=1,
        first_at=1.0,
        at=1.0,
    )


async def put_old_letter(folder: Path) -> None:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        letters = state.letters.of("d", GROUP, 1 << 20)
        await letters.open()
        await letters.put([old_letter()])


async def ask(folder: Path, which: Filter) -> None:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        await state.letters.ask(which, superseded=True)


async def test_its_delivery_does_not_supersede_what_failed_since(tmp_path: Path) -> None:
    async def answer(request: Request) -> Outcome:
        return OK if orjson.loads(request.body)["person"]["version"] == 1 else Answer(422, {}, b"no")

    log = FakeLog(lanes=1)
    await put_old_letter(tmp_path)
    async with flowing(log, tmp_path, Endpoint(answer)) as flow:
        await log.publish([Outgoing("p", event(2))])
        await flow.settled()
        assert flow.letters.count() == 2
        await ask(tmp_path, Filter(until=2.0))
        await until(lambda: flow.letters.count() == 1)
    async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
        [left] = await state.letters.page(Filter(), after=0, limit=10)
    assert (left.lane, left.superseded) == ("fake/0", False)


async def test_one_whose_turn_comes_when_another_has_our_lanes_is_not_sent(tmp_path: Path) -> None:
    async def answer(_: Request) -> Outcome:
        await gate.wait()
        return OK

    gate, log = asyncio.Event(), FakeLog(lanes=1)
    endpoint = Endpoint(answer)
    await put_old_letter(tmp_path)
    async with flowing(log, tmp_path, endpoint) as flow:
        await log.publish([Outgoing("p", event(2))])
        await until(lambda: endpoint.in_flight)
        await ask(tmp_path, Filter())
        await until(lambda: flow.flow.dependencies.outbox.events == 2)
        log.take(GROUP, "0", planned=False)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        gate.set()
        await until(lambda: not flow.flow.dependencies.outbox.events)
        await flow.looked_for_replays()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)
        assert endpoint.versions == [2], "it is another's to send"
        log.give(GROUP, "0")
        await until(lambda: flow.letters.count() == 0)
        assert sorted(endpoint.versions) == [1, 2, 2]
