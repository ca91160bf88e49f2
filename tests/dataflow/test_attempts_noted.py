"""What is noted of single attempts, by a real dataflow, and what its log tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flowing import OK, Endpoint, event, flowing, until

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue
from exporter.state.kinds import open_state
from exporter.state.letter import Filter
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.attempts import Attempt, DestinationAttempts


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


class Watched:
    """The attempts of a dataflow that somebody watches."""

    def __init__(self) -> None:
        self.attempts = DestinationAttempts()
        self.bodies: list[bytes] = []
        self.attempts.show_to(lambda _, body: self.bodies.append(body))

    def of(self, made: Dependencies) -> Dependencies:
        return replace(made, attempts=self.attempts)

    @property
    def noted(self) -> list[Attempt]:
        return self.attempts.latest()[::-1]


def scripted(*outcomes: Outcome) -> Endpoint:
    left = iter(outcomes)

    async def answering(_request: Request) -> Outcome:
        return next(left, OK)

    return Endpoint(answering)


async def test_a_delivery_is_noted_while_somebody_watches_and_else_a_failure_only(queue: Queue, tmp_path: Path) -> None:
    attempts = DestinationAttempts()
    endpoint = scripted(OK, Answer(422, {}, b'{"email":\x1b "jane@x"}'), Answer(201, {}, b"thanks"))
    async with flowing(queue, tmp_path, endpoint, dependencies=lambda made: replace(made, attempts=attempts)) as flow:
        await flow.publish(event(1))
        await flow.settled()
        assert attempts.latest() == []
        await flow.publish(event(2))
        await flow.settled()
        [rejected] = attempts.latest()
        attempts.look()
        await flow.publish(event(3))
        await flow.settled()
        delivered = attempts.latest()[0]
    assert (rejected.destination, rejected.event_id, rejected.profile_id, rejected.number) == ("d", "e2", "p", 1)
    assert (rejected.outcome, rejected.reason, rejected.status) == ("dead_letter", "rejected", 422)
    assert (rejected.failure, rejected.answer) == ("HTTP 422", '{"email":\\x1b "jane@x"}')
    assert rejected.milliseconds is not None
    assert (delivered.event_id, delivered.outcome, delivered.status) == ("e3", "delivered", 201)
    assert (delivered.failure, delivered.answer, delivered.reason, delivered.retry_seconds) == (None,) * 4
    assert not rejected.replay


async def test_retries_are_numbered_and_say_when_the_next_is(queue: Queue, tmp_path: Path) -> None:
    watched = Watched()
    endpoint = scripted(Answer(500, {}, b"x" * 10_000), NoAnswer("time-out"), OK)
    async with flowing(queue, tmp_path, endpoint, dependencies=watched.of) as flow:
        await flow.publish(event(1))
        await flow.settled()
    first, second, third = watched.noted
    assert [each.number for each in (first, second, third)] == [1, 2, 3]
    assert (first.outcome, first.status, first.answer) == ("retry", 500, "x" * 500)
    assert 0 < (first.retry_seconds or 0) <= 0.05
    assert (second.outcome, second.status, second.failure, second.answer) == ("retry", None, "time-out", None)
    assert third.outcome == "delivered"
    assert watched.bodies == [request.body for request in endpoint.requests]


async def test_a_pause_is_named_and_what_was_not_sent_took_no_time(queue: Queue, tmp_path: Path) -> None:
    watched = Watched()

    class NoToken:
        refresh_on = frozenset({401})
        failing = True

        def at_hand(self) -> Authorization | None:
            return None

        async def authorize(self) -> Authorization | Unauthorized:
            return Unauthorized("token_endpoint", "HTTP 500") if self.failing else Authorization("Bearer a")

        async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
            return refused

    authorizer = NoToken()
    endpoint = scripted(Unreachable("connection refused"))
    async with flowing(queue, tmp_path, endpoint, authorizer=authorizer, dependencies=watched.of) as flow:
        await flow.publish(event(1))
        await until(lambda: len(watched.noted) >= 2)
        authorizer.failing = False
        await flow.settled()
    without_token, *_, unreachable, delivered = watched.noted
    assert (without_token.outcome, without_token.reason) == ("paused", "token_endpoint")
    assert (without_token.status, without_token.milliseconds, without_token.failure) == (None, None, "HTTP 500")
    assert (unreachable.outcome, unreachable.reason) == ("paused", "unreachable")
    assert {each.number for each in watched.noted} == {1}, "nothing went out before the last"
    assert delivered.outcome == "delivered"


async def test_too_fast_has_its_status_and_a_replay_is_named(queue: Queue, tmp_path: Path) -> None:
    watched = Watched()
    endpoint = scripted(Answer(429, {}, b""), Answer(400, {}, b""), OK)
    async with flowing(queue, tmp_path, endpoint, dependencies=watched.of) as flow:
        await flow.publish(event(1))
        await flow.settled()
        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as beside:
            await beside.letters.ask(Filter(), superseded=False)
        await until(lambda: len(watched.noted) == 3)
    too_fast, rejected, replayed = watched.noted
    assert (too_fast.outcome, too_fast.status, too_fast.failure) == ("retry", 429, "HTTP 429")
    assert (rejected.outcome, rejected.replay) == ("dead_letter", False)
    assert (replayed.outcome, replayed.replay) == ("delivered", True)


async def test_long_ids_are_cut(queue: Queue, tmp_path: Path) -> None:
    watched = Watched()
    async with flowing(queue, tmp_path, dependencies=watched.of) as flow:
        await flow.publish(event(1, profile="p" * 1000))
        await flow.settled()
    assert watched.noted[0].profile_id == "p" * 200


async def test_the_log_tells_each_attempt_where_that_is_wanted_without_data_of_a_person(
    queue: Queue, tmp_path: Path
) -> None:
    told: list[dict[str, Any]] = []
    attempts = DestinationAttempts()

    class Log:
        def debug(self, event: str, **fields: Any) -> None:
            told.append({"event": event, **fields})

        def __getattr__(self, _name: str) -> Any:
            return lambda *_, **__: None

    log: Any = Log()
    endpoint = scripted(OK, Answer(400, {}, b"jane@example.com is unknown"), OK)
    async with flowing(
        queue, tmp_path, endpoint, dependencies=lambda made: replace(made, attempts=attempts, log=log)
    ) as flow:
        await flow.publish(event(1, profile="jane@example.com"))
        await flow.settled()
        assert told == []
        attempts.stand(kept=False, told=True)
        await flow.publish(event(2, profile="jane@example.com"), event(3, profile="jane@example.com"))
        await flow.settled()
    assert [(line["event"], line["event_id"], line["outcome"], line["status"]) for line in told] == [
        ("attempt", "e2", "dead_letter", 400),
        ("attempt", "e3", "delivered", 200),
    ]
    assert "jane" not in repr(told)
