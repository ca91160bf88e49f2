"""Replays: from the store into the profile's queue, never through the queue, with the same key."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from flowing import OK, Endpoint, Flowing, event, flowing, until

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, Summary
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Rejecting(Endpoint):
    """Rejects the versions in ``rejected``."""

    def __init__(self, *rejected: int) -> None:
        super().__init__(self._answer)
        self.rejected = set(rejected)

    async def _answer(self, request: Request) -> Outcome:
        version = orjson.loads(request.body)["person"]["version"]
        return Answer(422, {}, b"no") if version in self.rejected else OK


async def ask(folder: Path, *, superseded: bool = False) -> None:
    """What ``exporter deadletters replay`` does, from beside the daemon."""
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        await state.letters.ask(Filter(), superseded=superseded)


async def letters(folder: Path) -> list[Summary]:
    async with open_state(SqliteSettings(path=folder / "state.db")) as state:
        return list(await state.letters.page(Filter(), after=0, limit=1000))


async def answered(folder: Path) -> list[Summary]:
    """The letters, once none of them waits for a replay."""
    async with asyncio.timeout(30):
        found = await letters(folder)
        while any(letter.replay != "none" for letter in found):
            await asyncio.sleep(0.02)
            found = await letters(folder)
    return found


async def gone(flow: Flowing) -> None:
    await until(lambda: flow.letters.count() == 0)


async def test_a_repaired_endpoint_gets_it_with_the_same_key_and_position(queue: Queue, tmp_path: Path) -> None:
    endpoint = Rejecting(1)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
        endpoint.rejected.clear()
        await ask(tmp_path)
        await gone(flow)

        assert [request.own for request in endpoint.requests] == [endpoint.requests[0].own] * 2
        assert flow.count("exporter_exports_total", outcome="delivered") == 1


async def test_one_that_fails_again_stays_and_says_how(queue: Queue, tmp_path: Path) -> None:
    endpoint = Rejecting(1)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
        await ask(tmp_path)
        await until(lambda: len(endpoint.requests) == 2)
        await until(lambda: flow.flow.dependencies.outbox.events == 0)

        [letter] = await letters(tmp_path)
        assert (letter.attempts, letter.reason, letter.replay) == (2, "rejected", "none")
        assert flow.count("exporter_exports_total", outcome="dead_lettered") == 1


async def test_a_later_delivery_of_the_profile_supersedes_it(queue: Queue, tmp_path: Path) -> None:
    endpoint = Rejecting(1)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1), event(2, "other"))
        await flow.settled()
        assert [letter.superseded for letter in await letters(tmp_path)] == [False]

        await flow.publish(event(3))
        await flow.settled()
        assert [letter.superseded for letter in await letters(tmp_path)] == [True]

        endpoint.rejected.clear()
        await ask(tmp_path)
        await flow.looked_for_replays()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)
        assert endpoint.versions == [1, 2, 3]

        await ask(tmp_path, superseded=True)
        await gone(flow)
        assert endpoint.versions == [1, 2, 3, 1]


async def test_the_mark_is_looked_at_again_just_before_sending(queue: Queue, tmp_path: Path) -> None:
    """Asked for while a later state of the profile is in flight: that one is delivered, so the old one stays."""
    gate = asyncio.Event()
    endpoint = Rejecting(1)

    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
        endpoint.rejected.clear()

        async def wait(request: Request) -> Outcome:
            await gate.wait()
            return OK

        endpoint.answers = wait
        await flow.publish(event(2))
        await until(lambda: endpoint.in_flight == 1)
        await ask(tmp_path)
        await until(lambda: flow.flow.dependencies.outbox.events == 2)
        gate.set()
        await until(lambda: flow.flow.dependencies.outbox.events == 0)

        assert endpoint.versions == [1, 2]
        [letter] = await letters(tmp_path)
        assert (letter.superseded, letter.replay) == (True, "none")


async def test_it_goes_before_what_waits_of_its_profile(queue: Queue, tmp_path: Path) -> None:
    endpoint = Rejecting(1)
    async with flowing(queue, tmp_path, endpoint, retries=(3.0, 3.0)) as flow:
        await flow.publish(event(1))
        await flow.settled()
        failed = False

        async def fail_once(request: Request) -> Outcome:
            nonlocal failed
            if not failed:
                failed = True
                return NoAnswer("reset")
            return OK

        endpoint.answers = fail_once
        await flow.publish(event(2))
        await until(lambda: failed)
        await ask(tmp_path)
        await gone(flow)
        await flow.settled()

        assert endpoint.versions == [1, 2, 1, 2]


async def test_one_that_was_malformed_is_read_again(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(b"{")
        await flow.settled()
        await ask(tmp_path)
        [letter] = await answered(tmp_path)
        assert (letter.reason, letter.replay) == ("malformed", "none")


async def test_one_without_an_event_stays_what_the_queue_said_of_it(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(b"{")
        await flow.settled()
        with sqlite3.connect(tmp_path / "state.db") as database:
            database.execute("UPDATE letters SET body = x'', detail = 'entry: has no field `event`, only 2 others'")
        await ask(tmp_path)
        [letter] = await answered(tmp_path)
        assert (letter.replay, letter.detail) == ("none", "entry: has no field `event`, only 2 others")


async def test_asked_for_while_no_daemon_runs_it_waits_for_the_next(queue: Queue, tmp_path: Path) -> None:
    endpoint = Rejecting(1)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(event(1))
        await flow.settled()
    await ask(tmp_path)
    endpoint.rejected.clear()
    async with flowing(queue, tmp_path, endpoint) as flow:
        await until(lambda: len(endpoint.requests) == 2)
        await gone(flow)

    assert endpoint.versions == [1, 1]
