"""Every reason for a pause is told once when it begins and once when it ends, with the detail that ``status`` has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from flowing import OK, Endpoint, Flowing, event, flowing, until

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow import report
from exporter.dataflow.dependencies import Dependencies
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.outbox.verdict import PauseReason
from exporter.profile.decision import Decision
from exporter.profile.event.change import Change
from exporter.queues.memory import open_memory
from exporter.queues.port import Queue, QueueUnavailable, Start, Subscription
from exporter.state.interventions import OperatorPause
from exporter.state.letter import Full, Unavailable
from exporter.telemetry.pauses_told import PausesTold


class Fault:
    """What is wrong at first, until ``mended``; the parts of the dataflow ask it."""

    def __init__(self) -> None:
        self.mended = False

    def answering(self, outcome: Outcome | Exception) -> Endpoint:
        async def answer(_request: Request) -> Outcome:
            if self.mended:
                return OK
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return Endpoint(answer)


class Tokens:
    """An authorizer of which no token can be had, or whose tokens are refused, while there is the fault."""

    refresh_on = frozenset({401})

    def __init__(self, fault: Fault, reason: Any) -> None:
        self._fault = fault
        self._reason = reason

    def at_hand(self) -> Authorization | None:
        return None

    async def authorize(self) -> Authorization | Unauthorized:
        return Authorization("Bearer a") if self._fault.mended else Unauthorized(self._reason, "HTTP 500")

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        return refused


class Letters:
    """A store of letters that refuses them while there is the fault."""

    def __init__(self, real: Any, fault: Fault, refusal: Full | Unavailable) -> None:
        self._real = real
        self._fault = fault
        self._refusal = refusal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def put(self, letters: Any, marks: Any) -> Any:
        return await self._real.put(letters, marks) if self._fault.mended else self._refusal


class Away:
    """A queue that nobody can subscribe to while there is the fault."""

    def __init__(self, real: Queue, fault: Fault) -> None:
        self._real = real
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def subscribe(self, group: str, start: Start) -> AsyncIterator[Subscription]:
        if not self._fault.mended:
            raise QueueUnavailable("the broker is restarting")
        async with self._real.subscribe(group, start) as subscription:
            yield subscription


@dataclass
class Case:
    """How a reason comes about."""

    outcome: Outcome | Exception = OK
    authorizer: Callable[[Fault], Any] | None = None
    letters: Callable[[Any, Fault], Any] = lambda real, _: real
    queue: Callable[[Queue, Fault], Any] = lambda real, _: real
    dependencies: Callable[[Dependencies, Fault], Dependencies] = lambda made, _: made
    limits: dict[str, Any] = field(default_factory=dict)


def _undecided(made: Dependencies, fault: Fault) -> Dependencies:
    def decide(change: Change) -> Decision:
        if fault.mended:
            return made.decide(change)
        raise LookupError

    return replace(made, decide=decide)


REJECTED = Answer(400, {}, b"")
CASES = {
    "unreachable": Case(Unreachable("connection refused")),
    "failing": Case(NoAnswer("time-out")),
    "retry_after": Case(Answer(503, {"retry-after": "0"}, b"")),
    "credentials": Case(authorizer=lambda fault: Tokens(fault, "credentials")),
    "token_endpoint": Case(authorizer=lambda fault: Tokens(fault, "token_endpoint")),
    "proxy": Case(Unreachable("the proxy refuses", "proxy")),
    "rejections": Case(REJECTED, limits={"pause_after_rejections": 3}),
    "dead_letters_full": Case(REJECTED, letters=lambda real, fault: Letters(real, fault, Full())),
    "queue": Case(queue=Away),
    "state": Case(REJECTED, letters=lambda real, fault: Letters(real, fault, Unavailable("the disk is full"))),
    "bug": Case(LookupError()),
    "bug in receiving": Case(dependencies=_undecided),
}


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    async with open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue:
        yield queue


@asynccontextmanager
async def faulty(case: Case, queue: Queue, folder: Path, fault: Fault) -> AsyncIterator[Flowing]:
    async with flowing(
        case.queue(queue, fault),
        folder,
        fault.answering(case.outcome),
        authorizer=None if case.authorizer is None else case.authorizer(fault),
        letters=lambda real: case.letters(real, fault),
        dependencies=lambda made: case.dependencies(made, fault),
        **case.limits,
    ) as flow:
        await flow.publish(*(event(n, f"p{n}") for n in range(40)))
        yield flow


def told(flow: Flowing) -> list[tuple[str, str]]:
    return [(line["event"], line["reason"]) for line in flow.logs if line["event"] in ("paused", "resumed")]


def paused(flow: Flowing) -> dict[str, Any]:
    return next(line for line in flow.logs if line["event"] == "paused")


def test_no_reason_is_left_out() -> None:
    assert {name.partition(" ")[0] for name in CASES} | {"operator"} == set(get_args(PauseReason))


@pytest.mark.parametrize("name", CASES)
async def test_a_pause_that_ends_is_told_twice(queue: Queue, tmp_path: Path, name: str) -> None:
    reason, fault = name.partition(" ")[0], Fault()
    async with faulty(CASES[name], queue, tmp_path, fault) as flow:
        await until(lambda: told(flow))
        assert told(flow) == [("paused", reason)]
        if name != "rejections":  # where a probe is refused, that is the last failure
            assert report.status(flow.flow).last_failure == paused(flow)["detail"] != ""
        assert flow.flow.dependencies.outbox.reasons == {reason}
        fault.mended = True
        await flow.settled()
        await until(lambda: not flow.flow.dependencies.outbox.reasons)
        assert told(flow) == [("paused", reason), ("resumed", reason)]
        resumed = flow.logs[[line["event"] for line in flow.logs].index("resumed")]
        assert resumed["detail"]
        assert resumed["seconds"] >= 0
        assert "still_paused" not in resumed


@pytest.mark.parametrize("name", CASES)
async def test_a_dataflow_that_ends_in_a_pause_tells_its_end(queue: Queue, tmp_path: Path, name: str) -> None:
    reason, fault = name.partition(" ")[0], Fault()
    async with faulty(CASES[name], queue, tmp_path, fault) as flow:
        await until(lambda: told(flow))
        flow.flow.stop(0.0)
        await flow.running
        pauses, log = flow.flow.dependencies.pauses, flow.flow.dependencies.log
        pauses.end(log)
        pauses.look(log, {"failing": "too late"})
        assert told(flow) == [("paused", reason), ("resumed", reason)]
        assert flow.logs[-1]["why"] == "the dataflow has ended"


async def test_an_operators_pause_and_another_are_told_each_by_itself(queue: Queue, tmp_path: Path) -> None:
    by_hand, fault = OperatorPause(0.0, "ops", "they move"), Fault()
    async with faulty(CASES["unreachable"], queue, tmp_path, fault) as flow:
        await until(lambda: told(flow))
        for pause in (by_hand, by_hand, None, None, by_hand):
            flow.flow.obey(pause)
        fault.mended = True
        flow.flow.obey(None)
        await flow.settled()
        lines = [line for line in flow.logs if line["event"] in ("paused", "resumed")]
    assert told(flow) == [
        ("paused", "unreachable"),
        ("paused", "operator"),
        ("resumed", "operator"),
        ("paused", "operator"),
        ("resumed", "operator"),
        ("resumed", "unreachable"),
    ]
    assert "they move" in lines[1]["detail"]
    assert lines[2]["still_paused"] == ["unreachable"]
    assert "next_probe_seconds" in lines[0]
    assert "next_probe_seconds" not in lines[1], "an operator's pause is not probed"


async def test_where_the_reason_changes_the_first_ends_and_the_second_begins(queue: Queue, tmp_path: Path) -> None:
    outcomes: list[Outcome] = [Unreachable("connection refused")]

    async def answer(_request: Request) -> Outcome:
        return outcomes[-1]

    async with flowing(queue, tmp_path, Endpoint(answer)) as flow:
        await flow.publish(event(1))
        await until(lambda: told(flow))
        outcomes.append(Unreachable("HTTP 407", "proxy"))
        await until(lambda: len(told(flow)) == 3)
        outcomes.append(OK)
        await flow.settled()
    assert told(flow) == [
        ("paused", "unreachable"),
        ("resumed", "unreachable"),
        ("paused", "proxy"),
        ("resumed", "proxy"),
    ]


def test_the_same_reason_from_two_parts_is_one_pause() -> None:
    lines: list[tuple[str, str]] = []

    class Log:
        def warning(self, event: str, **fields: Any) -> None:
            lines.append((event, fields["detail"]))

        info = warning

    log: Any = Log()
    pauses = PausesTold(lambda: 5.0)
    pauses.look(log, {"state": "the disk is full"})
    pauses.look(log, {"state": "the disk is full, still"})
    pauses.look(log, {})
    assert not pauses.any
    assert lines == [("paused", "the disk is full"), ("resumed", "the disk is full, still")]
