"""Replays of a lane that is taken away: whoever reads it then sends them, and it may be ours again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from fake_log import FakeLog
from flowing import OK, Endpoint, Flowing, event, flowing, until

from exporter.messages.exchange import Answer, Outcome, Request
from exporter.queues.port import Outgoing
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.sqlite.settings import SqliteSettings

GROUP = "exporter.d"


class Gated(Endpoint):
    """Rejects the first version; answers others when ``gate`` is open."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.gate = asyncio.Event()
        self.rejects = True

    async def _answer(self, request: Request) -> Outcome:
        if orjson.loads(request.body)["person"]["version"] == 1 and self.rejects:
            return Answer(422, {}, b"no")
        await self.gate.wait()
        return OK


async def ask(folder: Path) -> None:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        await state.letters.ask(Filter(), superseded=True)


async def a_replay_behind_a_request(log: FakeLog, flow: Flowing, endpoint: Gated, folder: Path) -> None:
    """A dead letter whose replay waits for its profile's request, which gets no answer yet."""
    await log.publish([Outgoing("p", event(1))])
    await flow.settled()
    endpoint.rejects = False
    await log.publish([Outgoing("p", event(2))])
    await until(lambda: endpoint.in_flight)
    await ask(folder)
    await until(lambda: flow.flow.dependencies.outbox.events == 2)


async def test_one_that_waited_is_sent_when_the_lane_is_ours_again(tmp_path: Path) -> None:
    endpoint, log = Gated(), FakeLog(lanes=1)
    async with flowing(log, tmp_path, endpoint) as flow:
        await a_replay_behind_a_request(log, flow, endpoint, tmp_path)
        log.take(GROUP, "0", planned=False)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        endpoint.gate.set()
        await until(lambda: not endpoint.in_flight)
        await flow.looked_for_replays()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)
        assert endpoint.versions == [1, 2], "it is another's to send"

        log.give(GROUP, "0")
        await until(lambda: flow.letters.count() == 0)
        await flow.settled()
        # What was in flight when the lane went is read again.
        assert sorted(endpoint.versions) == [1, 1, 2, 2]


async def test_nothing_is_asked_for_while_the_lane_leaves(tmp_path: Path) -> None:
    endpoint, log = Gated(), FakeLog(lanes=1)
    async with flowing(log, tmp_path, endpoint) as flow:
        await a_replay_behind_a_request(log, flow, endpoint, tmp_path)
        log.take(GROUP, "0", planned=True)
        await until(lambda: flow.flow.dependencies.outbox.events == 1)
        await flow.looked_for_replays()
        assert flow.flow.dependencies.outbox.events == 1, "the replay did not come back"
        endpoint.gate.set()
        await until(lambda: not endpoint.in_flight)
        await flow.looked_for_replays()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)
        assert endpoint.versions == [1, 2]
        log.give(GROUP, "0")
        await until(lambda: flow.letters.count() == 0)
        assert endpoint.versions == [1, 2, 1]


async def test_a_letter_that_is_late_for_its_lane_is_not_stored(tmp_path: Path) -> None:
    """Its event was not acknowledged: the lane's next reader has made of it what it came to."""

    async def reject_late(_: Request) -> Outcome:
        await gate.wait()
        return Answer(422, {}, b"no")

    gate = asyncio.Event()
    endpoint, log = Endpoint(reject_late), FakeLog(lanes=1)
    async with flowing(log, tmp_path, endpoint) as flow:
        await log.publish([Outgoing("p", event(1))])
        await until(lambda: endpoint.in_flight)
        log.take(GROUP, "0", planned=False)
        await until(lambda: any(line["event"] == "lane lost" for line in flow.logs))
        gate.set()
        await until(lambda: not flow.flow.dependencies.outbox.events)
        assert flow.letters.count() == 0
        log.give(GROUP, "0")
        await flow.settled()
        assert flow.letters.count() == 1
