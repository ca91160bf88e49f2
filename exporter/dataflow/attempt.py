"""An attempt: authorise, send, judge; with a second try, at once and uncounted, under a new token.

An attempt that needs to wait for nothing but its answer is begun, and ends by a callback; every other is a coroutine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import where
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.messages.export import Export
from exporter.outbox.judging import judge
from exporter.outbox.verdict import Broken, CredentialsRefused, Judged, Unavailable, Verdict
from exporter.tasks.lifetimes import asked_to_end
from exporter.telemetry.families.destination import StatusClass
from exporter.transport.port import CallbackTransport, Stale

_BY_HUNDREDS: Mapping[int, StatusClass] = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


#: How an attempt ended, and its round trip in seconds (0.0 where nothing was sent).
Attempted: TypeAlias = tuple[Judged, float]


async def attempt(export: Export, dependencies: Dependencies) -> Attempted:
    """Send an export once. Never raises: a bug is a verdict too."""
    return await _whatever_comes(_attempt(export, dependencies))


class Begun:
    """An attempt whose request is written; ``at`` is monotonic seconds, ``ended`` hears the outcome once."""

    __slots__ = ("at", "authorization", "ended", "export", "request")

    def __init__(
        self,
        export: Export,
        authorization: Authorization,
        request: Request,
        at: float,
        ended: Callable[[Begun, Outcome | Stale], None],
    ) -> None:
        self.export = export
        self.authorization = authorization
        self.request = request
        self.at = at
        self.ended = ended

    def done(self, outcome: Outcome | Stale) -> None:
        """Called once by the transport."""
        self.ended(self, outcome)


def begin(
    export: Export,
    dependencies: Dependencies,
    transport: CallbackTransport,
    now: float,
    ended: Callable[[Begun, Outcome | Stale], None],
) -> bool:
    """Begin to send an export once; False where nothing was done, since it takes a coroutine (``attempt``).

    Raises:
        Exception: a bug, before anything was sent.
    """
    authorization = dependencies.authorizer.at_hand()
    if authorization is None:
        return False
    request = dependencies.prepared.request(authorization.header, export.key, export.position, export.body)
    return transport.begin(request, Begun(export, authorization, request, now, ended).done)


def conclude(begun: Begun, outcome: Outcome | Stale, dependencies: Dependencies) -> Attempted | None:
    """How a begun attempt ended; None where there is more to do, which takes a coroutine (``go_on``)."""
    if isinstance(outcome, Stale):
        return None
    if isinstance(outcome, Answer) and outcome.status >= 300 and outcome.status in dependencies.authorizer.refresh_on:
        return None
    try:
        verdict, round_trip = _judged(outcome, begun.at, dependencies)
    except Exception as error:
        return Broken(where(error)), 0.0
    return _final(verdict), round_trip


async def go_on(
    begun: Begun, outcome: Outcome | Stale, dependencies: Dependencies, transport: CallbackTransport
) -> Attempted:
    """Finish what ``conclude`` could not. Never raises."""
    return await _whatever_comes(_go_on(begun, outcome, dependencies, transport))


async def _whatever_comes(attempting: Coroutine[Any, Any, Attempted]) -> Attempted:
    try:
        return await attempting
    except asyncio.CancelledError as error:
        if asked_to_end():
            raise
        return Broken(where(error)), 0.0
    except Exception as error:
        return Broken(where(error)), 0.0


async def _attempt(export: Export, dependencies: Dependencies) -> Attempted:
    authorization = await dependencies.authorizer.authorize()
    if isinstance(authorization, Unauthorized):
        return _unavailable(authorization), 0.0
    began = dependencies.clock.monotonic()
    outcome = await _sending(export, authorization, dependencies)
    return await _judged_or_again(export, authorization, outcome, began, dependencies)


async def _go_on(
    begun: Begun, outcome: Outcome | Stale, dependencies: Dependencies, transport: CallbackTransport
) -> Attempted:
    if isinstance(outcome, Stale):
        outcome = await transport.resend(begun.request, outcome)
    return await _judged_or_again(begun.export, begun.authorization, outcome, begun.at, dependencies)


async def _judged_or_again(
    export: Export, authorization: Authorization, outcome: Outcome, began: float, dependencies: Dependencies
) -> Attempted:
    verdict, round_trip = _judged(outcome, began, dependencies)
    if isinstance(verdict, CredentialsRefused):
        return await _again(export, authorization, verdict, round_trip, dependencies)
    return verdict, round_trip


async def _again(
    export: Export,
    authorization: Authorization,
    refused: CredentialsRefused,
    round_trip: float,
    dependencies: Dependencies,
) -> Attempted:
    renewed = await dependencies.authorizer.renew(authorization)
    if isinstance(renewed, Unauthorized):
        if renewed.cause == "credentials":
            return _ours(refused, f"; {renewed.detail}"), round_trip
        return _unavailable(renewed), 0.0
    began = dependencies.clock.monotonic()
    outcome = await _sending(export, renewed, dependencies)
    verdict, round_trip = _judged(outcome, began, dependencies)
    return _final(verdict), round_trip


def _sending(export: Export, authorization: Authorization, dependencies: Dependencies) -> Coroutine[Any, Any, Outcome]:
    request = dependencies.prepared.request(authorization.header, export.key, export.position, export.body)
    tracing = dependencies.tracing
    if tracing is None:
        return dependencies.transport.send(request)
    return tracing.send(request, export, dependencies.transport)


def _judged(outcome: Outcome, began: float, dependencies: Dependencies) -> tuple[Verdict, float]:
    clock, metrics = dependencies.clock, dependencies.metrics
    round_trip = clock.monotonic() - began
    metrics.attempts[status_class(outcome)].inc()
    metrics.attempt_seconds.observe(round_trip)
    if isinstance(outcome, Answer) and outcome.status >= 300:
        outcome = Answer(outcome.status, outcome.headers, dependencies.prepared.without_secrets(outcome.body))
    return judge(outcome, dependencies.authorizer.refresh_on, clock.epoch), round_trip


def status_class(outcome: Outcome) -> StatusClass:
    """The label under which an attempt is counted."""
    match outcome:
        case Answer(status):
            return _BY_HUNDREDS.get(status // 100, "no_answer")
        case NoAnswer():
            return "no_answer"
        case Unreachable():
            return "unreachable"


def _unavailable(failure: Unauthorized) -> Unavailable:
    # The endpoint was not asked (again), so the export is not suspect, whatever the endpoint takes later.
    hint = failure.retry_after_seconds
    return Unavailable(failure.cause, failure.detail, retry_after_seconds=hint, attempted=False)


def _final(verdict: Verdict) -> Judged:
    return _ours(verdict) if isinstance(verdict, CredentialsRefused) else verdict


def _ours(refused: CredentialsRefused, why: str = "") -> Unavailable:
    return Unavailable("credentials", f"HTTP {refused.status}{why}", refused.status)
