"""A dataflow from the queue to the endpoint and back: delivered, excluded, dead-lettered, settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from fake_log import FakeLog
from flowing import OK, Endpoint, event, flowing, until

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.queues.memory import open_memory
from exporter.queues.port import Outgoing, Queue
from exporter.state.dataflow_letters import DataflowLetters
from exporter.state.kinds import open_state
from exporter.state.letter import Filter, Full, NewLetter, Unavailable
from exporter.state.sqlite.settings import SqliteSettings


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


def version(request: Request) -> int:
    found: int = orjson.loads(request.body)["person"]["version"]
    return found


async def test_delivers_in_order_and_settles(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(*(event(n, f"p{n % 7}") for n in range(500)))
        await flow.settled()

        assert sorted(flow.endpoint.versions) == list(range(500))
        for profile in range(7):
            mine = [n for n in flow.endpoint.versions if n % 7 == profile]
            assert mine == sorted(mine)
        assert flow.count("exporter_exports_total", outcome="delivered") == 500
        assert flow.count("exporter_events_received_total") == 500
        assert flow.count("exporter_attempts_total", status_class="2xx") == 500


async def test_an_excluded_event_is_counted_by_reason_and_settled(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(event(1, segments=[]), event(2))
        await flow.settled()

        assert flow.endpoint.versions == [2]
        assert flow.count("exporter_events_excluded_total", reason="no_trigger") == 1


async def test_a_tombstone_is_excluded_and_settled(queue: Queue, tmp_path: Path) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(b"", event(2))
        await flow.settled()

        assert flow.endpoint.versions == [2]
        assert flow.letters.count() == 0
        assert flow.count("exporter_events_excluded_total", reason="tombstone") == 1


async def test_an_event_without_a_time_that_can_be_read_is_exported_and_counted(queue: Queue, tmp_path: Path) -> None:
    times = ["2026-11-20T10:15Z", 1795169700000, "yesterday", True, None]
    bodies = [orjson.dumps(orjson.loads(event(n)) | {"occurredAt": time}) for n, time in enumerate(times)]
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(*bodies, event(9, segments=[]))
        await flow.settled()

        assert sorted(flow.endpoint.versions) == [0, 1, 2, 3, 4]
        assert flow.count("exporter_events_without_time_total", reason="unreadable") == 2
        assert flow.count("exporter_events_without_time_total", reason="absent") == 1
        # The first two are weeks old, or to come; the latency of the others begins when the queue took them.
        assert flow.count("exporter_latency_seconds_bucket", le="3600.0") >= 3


async def test_half_an_emoji_that_is_not_sent_harms_nobody(queue: Queue, tmp_path: Path) -> None:
    body = event(1).replace(b'"profile":{', rb'"profile":{"nick":"\ud83d",')
    assert body != event(1)
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(body)
        await flow.settled()

        assert flow.endpoint.versions == [1]


async def test_nothing_is_settled_before_it_is_delivered(queue: Queue, tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def wait(request: Request) -> Outcome:
        await gate.wait()
        return OK

    async with flowing(queue, tmp_path, Endpoint(wait)) as flow:
        await flow.publish(event(1))
        await until(lambda: flow.endpoint.in_flight == 1)
        await asyncio.sleep(0.1)
        assert [position.lag for position in await queue.positions()] == [1]
        gate.set()
        await flow.settled()


async def test_a_restart_sends_what_was_not_settled_with_the_same_key_and_position(
    queue: Queue, tmp_path: Path
) -> None:
    async def fail(request: Request) -> Outcome:
        return NoAnswer("reset")

    first, second = Endpoint(fail), Endpoint()
    async with flowing(queue, tmp_path, first, retries=(1000.0,)) as flow:
        await flow.publish(event(1))
        await until(lambda: first.requests)
    async with flowing(queue, tmp_path, second) as flow:
        await flow.settled()

    assert first.requests[0].own == second.requests[0].own
    assert first.keys == ["d:e1"]


async def test_an_event_without_an_id_gets_one_from_where_it_stands(queue: Queue, tmp_path: Path) -> None:
    body = orjson.loads(event(1))
    del body["id"]
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(orjson.dumps(body))
        await flow.settled()
        position = dict(flow.endpoint.requests[0].own)["Exporter-Position"]

        assert flow.endpoint.keys == [f"d:{queue.name}-{position}"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "byte"),
        (b'{"profileId": 5, "profile": {}}', "profileId"),
        (event(1).replace(b'"realized"}]', b'"exotic"}]'), "changes.segments[0].to"),
        (event(1).replace(b'{"status":"realized"}', b"7"), "profile.segmentMembership.*.*:"),
    ],
)
async def test_a_malformed_event_is_a_dead_letter_and_the_queue_moves_on(
    queue: Queue, tmp_path: Path, body: bytes, detail: str
) -> None:
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(body, event(2))
        await flow.settled()

        assert flow.endpoint.versions == [2]
        assert flow.letters.count() == 1
        [told] = [line for line in flow.logs if line["event"] == "dead letter"]
        assert told["reason"] == "malformed"
        assert told["detail"].startswith(detail)


async def test_a_log_names_no_key_of_a_profile_and_the_letter_does(queue: Queue, tmp_path: Path) -> None:
    body = event(1).replace(b'"profile":{', b'"profile":{"identityMap":{"a@b.example":[{"id":5}]},')
    async with flowing(queue, tmp_path) as flow:
        await flow.publish(body)
        await flow.settled()

        [told] = [line for line in flow.logs if line["event"] == "dead letter"]
        assert told["detail"] == "profile.identityMap.*[0].id: must be a string, not a number"
        assert "a@b" not in str(flow.logs)
        async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
            [letter] = await state.letters.page(Filter(), after=0, limit=10)
        assert letter.detail == "profile.identityMap.a@b\\.example[0].id: must be a string, not a number"


async def test_a_rejection_is_a_dead_letter_and_the_next_of_the_profile_goes_on(queue: Queue, tmp_path: Path) -> None:
    async def reject_first(request: Request) -> Outcome:
        return Answer(422, {}, b"no such field") if version(request) == 1 else OK

    async with flowing(queue, tmp_path, Endpoint(reject_first)) as flow:
        await flow.publish(event(1), event(2))
        await flow.settled()

        assert flow.endpoint.versions == [1, 2]
        assert flow.letters.count() == 1
        assert flow.count("exporter_exports_total", outcome="dead_lettered") == 1


async def test_retries_are_counted_and_end_in_a_dead_letter(queue: Queue, tmp_path: Path) -> None:
    async def bad_apple(request: Request) -> Outcome:
        return Answer(500, {}, b"oops") if version(request) == 1 else OK

    async with flowing(queue, tmp_path, Endpoint(bad_apple)) as flow:
        await flow.publish(event(1, "bad"), *(event(n, f"p{n}") for n in range(2, 30)))
        await flow.settled()

        assert flow.endpoint.versions.count(1) == 3
        assert flow.count("exporter_retries_total") == 2
        assert flow.letters.count() == 1


class Refusing:
    """Letters whose store fails while ``failure`` is set."""

    def __init__(self, real: DataflowLetters) -> None:
        self._real = real
        self.failure: Full | Unavailable | None = Unavailable("disk full")
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def put(self, letters: Sequence[NewLetter], supersede: Sequence[tuple[str, str, int]] = ()) -> Any:
        self.tries += 1
        return self.failure or await self._real.put(letters, supersede)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(Unavailable("disk full"), "state"), (Full(), "dead_letters_full")],
    ids=["unavailable", "full"],
)
async def test_a_store_that_fails_pauses_and_acknowledges_nothing(
    queue: Queue, tmp_path: Path, failure: Full | Unavailable, reason: str
) -> None:
    refusing: list[Refusing] = []

    def wrap(real: DataflowLetters) -> Any:
        refusing.append(Refusing(real))
        refusing[0].failure = failure
        return refusing[0]

    async def reject(request: Request) -> Outcome:
        return Answer(400, {}, b"") if version(request) == 1 else OK

    async with flowing(queue, tmp_path, Endpoint(reject), letters=wrap) as flow:
        await flow.publish(event(1))
        await until(lambda: refusing and refusing[0].tries > 2)
        await flow.publish(event(2, "other"))
        await asyncio.sleep(0.1)
        assert flow.flow.dependencies.outbox.reasons == {reason}
        assert flow.endpoint.versions == [1]
        assert [position.lag for position in await queue.positions()] == [2]

        refusing[0].failure = None
        await flow.settled()
        assert flow.endpoint.versions == [1, 2]
        assert flow.letters.count() == 1
        assert not flow.flow.dependencies.outbox.reasons


async def test_more_dead_letters_than_there_is_room_for_are_stored_as_far_as_they_fit(
    queue: Queue, tmp_path: Path
) -> None:
    """In one write they would never fit, however much is purged."""

    async def reject(request: Request) -> Outcome:
        return Answer(400, {}, b"")

    async with flowing(queue, tmp_path, Endpoint(reject), dead_letters_max_bytes=10_000) as flow:
        await flow.publish(*(b"{" + b" " * 2000 for _ in range(20)))
        await until(lambda: flow.flow.dependencies.outbox.reasons == {"dead_letters_full"})
        assert flow.letters.count() >= 2


async def test_a_dead_letter_larger_than_all_the_room_is_stored_alone(queue: Queue, tmp_path: Path) -> None:
    """It would never fit, and hold everything behind it for ever."""
    async with flowing(queue, tmp_path, dead_letters_max_bytes=1000) as flow:
        await flow.publish(b"{" + b" " * 5000, event(1))
        await flow.settled()

        assert flow.letters.count() == 1
        assert flow.endpoint.versions == [1]


async def test_an_answer_that_echoes_what_we_presented_is_kept_without_it(queue: Queue, tmp_path: Path) -> None:
    class Presenting:
        refresh_on = frozenset({401})

        def at_hand(self) -> Authorization | None:
            return Authorization("Bearer s3cr3t-t0k3n")

        async def authorize(self) -> Authorization | Unauthorized:
            return Authorization("Bearer s3cr3t-t0k3n")

        async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
            return Unauthorized("credentials", "none")

    async def echo(request: Request) -> Outcome:
        return Answer(400, {}, b"bad: " + str(request.fixed).encode())

    async with flowing(queue, tmp_path, Endpoint(echo), authorizer=Presenting()) as flow:
        await flow.publish(event(1))
        await flow.settled()
    async with open_state(SqliteSettings(path=tmp_path / "state.db")) as state:
        letter = await state.letters.letter(1)

    assert letter is not None
    assert letter.answer.startswith("bad: ")
    assert "s3cr3t" not in letter.answer


async def test_a_position_that_has_its_dead_letter_is_skipped_on_restart(tmp_path: Path) -> None:
    log = FakeLog(lanes=1)
    log.commit_seconds = 1000.0

    async def reject(request: Request) -> Outcome:
        return Answer(400, {}, b"")

    first, second = Endpoint(reject), Endpoint()
    await log.publish([Outgoing("p", event(1))])
    async with flowing(log, tmp_path, first) as flow:
        await until(lambda: flow.letters.count() == 1)
        log.broken = "gone"  # so that not even the last commit is made
    log.broken = None
    log.commit_seconds = 0.01
    async with flowing(log, tmp_path, second) as flow:
        await flow.settled()

        assert second.requests == []
        assert flow.letters.count() == 1


class TestCredentials:
    class Tokens:
        """An authorizer with a list of tokens."""

        refresh_on = frozenset({401})

        def __init__(self, *tokens: str) -> None:
            self._left = [Authorization(f"Bearer {token}") for token in tokens]
            self.renewals = 0

        def at_hand(self) -> Authorization | None:
            return self._left[0]

        async def authorize(self) -> Authorization | Unauthorized:
            return self._left[0]

        async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
            self.renewals += 1
            if refused is self._left[0]:
                if len(self._left) == 1:
                    return Unauthorized("credentials", "no other token")
                self._left.pop(0)
            return self._left[0]

    @staticmethod
    async def only_new(request: Request) -> Outcome:
        return OK if ("Authorization", "Bearer new") in request.fixed else Answer(401, {}, b"")

    async def test_a_refused_token_is_renewed_once_and_tried_again_at_once_uncounted(
        self, queue: Queue, tmp_path: Path
    ) -> None:
        tokens = self.Tokens("old", "new")
        async with flowing(queue, tmp_path, Endpoint(self.only_new), authorizer=tokens) as flow:
            await flow.publish(event(1))
            await flow.settled()

            assert len(flow.endpoint.requests) == 2
            assert flow.count("exporter_retries_total") == 0
            assert tokens.renewals == 1

    async def test_refused_again_is_the_destinations_fault(self, queue: Queue, tmp_path: Path) -> None:
        tokens = self.Tokens("old", "older")
        endpoint = Endpoint(self.only_new)
        async with flowing(queue, tmp_path, endpoint, authorizer=tokens) as flow:
            await flow.publish(event(1))
            await until(lambda: len(endpoint.requests) > 3)
            assert flow.flow.dependencies.outbox.reasons == {"credentials"}
            assert flow.letters.count() == 0

            async def accept(request: Request) -> Outcome:
                return OK

            endpoint.answers = accept
            await flow.settled()
            assert not flow.flow.dependencies.outbox.reasons


class TestBugs:
    async def test_a_bug_in_building_is_that_events_dead_letter(self, queue: Queue, tmp_path: Path) -> None:
        def breaking(dependencies: Dependencies) -> Dependencies:
            def build(change: Any) -> bytes:
                if change.id == "e1":
                    raise KeyError("john@example.com")
                return b'{"person":{"version":2}}'

            return replace(dependencies, build=build)

        async with flowing(queue, tmp_path, dependencies=breaking) as flow:
            await flow.publish(event(1), event(2))
            await flow.settled()

            assert flow.endpoint.versions == [2]
            [told] = [line for line in flow.logs if line["event"] == "dead letter"]
            assert told["reason"] == "bug"
            assert "KeyError at test_flow.py:" in told["detail"]
            assert "john" not in str(flow.logs)

    async def test_five_in_a_row_pause_and_the_fifth_waits(self, queue: Queue, tmp_path: Path) -> None:
        broken = True

        def breaking(dependencies: Dependencies) -> Dependencies:
            def build(change: Any) -> bytes:
                if broken:
                    raise ValueError
                return b'{"person":{"version":7}}'

            return replace(dependencies, build=build)

        async with flowing(queue, tmp_path, dependencies=breaking) as flow:
            await flow.publish(*(event(n, f"p{n}") for n in range(20)))
            await until(lambda: flow.flow.dependencies.outbox.reasons and flow.letters.count() >= 4)
            await asyncio.sleep(0.1)
            assert flow.flow.dependencies.outbox.reasons == {"bug"}
            assert flow.letters.count() == 4

            broken = False
            await flow.settled()
            assert len(flow.endpoint.requests) == 16
            assert not flow.flow.dependencies.outbox.reasons

    async def test_a_bug_in_sending(self, queue: Queue, tmp_path: Path) -> None:
        async def explode(request: Request) -> Outcome:
            if version(request) == 1:
                raise RuntimeError("secret")
            return OK

        async with flowing(queue, tmp_path, Endpoint(explode)) as flow:
            await flow.publish(event(1), event(2))
            await flow.settled()

            assert flow.endpoint.versions == [1, 2]
            assert flow.letters.count() == 1
            assert "secret" not in str(flow.logs)


class TestQueue:
    async def test_an_unreachable_queue_pauses_and_it_goes_on_by_itself(self, tmp_path: Path) -> None:
        log = FakeLog(lanes=1)
        log.broken = "connection refused"
        async with flowing(log, tmp_path) as flow:
            await until(lambda: flow.flow.dependencies.outbox.reasons == {"queue"})
            log.broken = None
            await until(lambda: flow.flow.state == "running")
            log.broken = "connection refused"
            log.wake()
            await until(lambda: flow.flow.dependencies.outbox.reasons == {"queue"})
            log.broken = None
            await flow.publish(event(1))
            await flow.settled()

            assert flow.endpoint.versions == [1]
            assert not flow.flow.dependencies.outbox.reasons

    async def test_it_goes_on_although_the_queue_has_nothing_new(self, tmp_path: Path) -> None:
        """What waits for a retry must not wait for the next message."""
        log = FakeLog(lanes=1)
        failed = False

        async def fail_once(request: Request) -> Outcome:
            nonlocal failed
            if not failed:
                failed = True
                log.broken = "gone"
                log.wake()
                return NoAnswer("reset")
            return OK

        async with flowing(log, tmp_path, Endpoint(fail_once)) as flow:
            await flow.publish(event(1))
            await until(lambda: flow.flow.dependencies.outbox.reasons == {"queue"})
            log.broken = None
            await flow.settled()

            assert flow.endpoint.versions == [1, 1]

    async def test_a_lane_that_is_lost_with_notice_finishes_what_is_in_flight_first(self, tmp_path: Path) -> None:
        log = FakeLog(lanes=1)
        gate = asyncio.Event()

        async def wait(request: Request) -> Outcome:
            await gate.wait()
            return OK

        endpoint = Endpoint(wait)
        async with flowing(log, tmp_path, endpoint) as flow:
            await log.publish([Outgoing("p", event(1)), Outgoing("p", event(2))])
            await until(lambda: endpoint.in_flight == 1)
            log.take("exporter.d", "0", planned=True)
            await asyncio.sleep(0.05)
            gate.set()
            await until(lambda: any(commit.settled_to for commit in log.commits))
            await asyncio.sleep(0.05)
            assert endpoint.versions == [1]

            log.give("exporter.d", "0")
            await flow.settled()
            assert endpoint.versions == [1, 2]

    async def test_waiting_retries_of_a_lane_that_is_lost_are_dropped_at_once(self, tmp_path: Path) -> None:
        log = FakeLog(lanes=1)

        async def fail(request: Request) -> Outcome:
            return NoAnswer("reset")

        endpoint = Endpoint(fail)
        async with flowing(log, tmp_path, endpoint, retries=(0.2,)) as flow:
            await log.publish([Outgoing("p", event(1))])
            await until(lambda: endpoint.requests)
            log.take("exporter.d", "0", planned=False)
            await until(lambda: flow.flow.dependencies.outbox.events == 0)
            await asyncio.sleep(0.3)  # the retry was due
            assert len(endpoint.requests) == 1


class TestStop:
    async def test_what_is_in_flight_finishes_and_what_waits_is_left_to_the_queue(
        self, queue: Queue, tmp_path: Path
    ) -> None:
        gate = asyncio.Event()

        async def slow_or_failing(request: Request) -> Outcome:
            if version(request) == 1:
                await gate.wait()
                return OK
            return NoAnswer("reset")

        endpoint = Endpoint(slow_or_failing)
        async with flowing(queue, tmp_path, endpoint, retries=(1000.0,)) as flow:
            await flow.publish(event(2, "b"), event(1, "a"), event(3, "a"))
            await until(lambda: len(endpoint.requests) == 2)
            flow.flow.stop(30.0)
            await asyncio.sleep(0.05)
            assert not flow.running.done()
            gate.set()
            assert await flow.running

        assert sorted(endpoint.versions) == [1, 2]
        assert [position.lag for position in await queue.positions()] == [2]

    async def test_the_drain_has_an_end(self, queue: Queue, tmp_path: Path) -> None:
        async def never(request: Request) -> Outcome:
            await asyncio.Event().wait()
            return OK

        async with flowing(queue, tmp_path, Endpoint(never)) as flow:
            await flow.publish(event(1))
            await until(lambda: flow.endpoint.in_flight)
            flow.flow.stop(0.05)
            async with asyncio.timeout(10):
                assert await flow.running
        assert flow.endpoint.in_flight == 0

    async def test_cut_does_not_wait(self, queue: Queue, tmp_path: Path) -> None:
        async def never(request: Request) -> Outcome:
            await asyncio.Event().wait()
            return OK

        async with flowing(queue, tmp_path, Endpoint(never)) as flow:
            await flow.publish(event(1))
            await until(lambda: flow.endpoint.in_flight)
            flow.flow.stop(1000.0)
            flow.flow.cut()
            async with asyncio.timeout(10):
                assert await flow.running

    async def test_a_standby_stops_too(self, queue: Queue, tmp_path: Path) -> None:
        async with flowing(queue, tmp_path), flowing(queue, tmp_path) as standby:
            await until(lambda: standby.flow.state == "standby")
            standby.flow.stop(10.0)
            async with asyncio.timeout(10):
                assert await standby.running

    async def test_a_failed_last_commit_is_told(self, tmp_path: Path) -> None:
        log = FakeLog(lanes=1)
        async with flowing(log, tmp_path) as flow:
            await until(lambda: flow.flow.state == "running")
            log.broken = "gone"
            flow.flow.stop(1.0)
            assert not await flow.running


async def test_a_pause_is_told_once_when_it_begins_and_once_when_it_ends(queue: Queue, tmp_path: Path) -> None:
    async def refuse(request: Request) -> Outcome:
        return Unreachable("connection refused")

    endpoint = Endpoint(refuse)
    async with flowing(queue, tmp_path, endpoint) as flow:
        await flow.publish(*(event(n, f"p{n}") for n in range(10)))
        await until(lambda: len(endpoint.requests) > 3)

        async def accept(request: Request) -> Outcome:
            return OK

        endpoint.answers = accept
        await flow.settled()

    told = [(line["event"], line.get("reason")) for line in flow.logs if line["event"] in ("paused", "resumed")]
    assert told == [("paused", "unreachable"), ("resumed", "unreachable")]
