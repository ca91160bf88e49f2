"""An attempt: authorise, send, judge; with a second try, at once and uncounted, under a new token."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeAlias

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import where
from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.messages.export import Export
from exporter.outbox.judging import judge
from exporter.outbox.verdict import Broken, CredentialsRefused, Judged, Unavailable, Verdict
from exporter.tasks.lifetimes import asked_to_end
from exporter.telemetry.metrics import StatusClass

_BY_HUNDREDS: Mapping[int, StatusClass] = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


#: How an attempt ended, and its round trip in seconds (0.0 where nothing was sent).
Attempted: TypeAlias = tuple[Judged, float]


async def attempt(export: Export, dependencies: Dependencies) -> Attempted:
    """Send an export once. Never raises: a bug is a verdict too."""
    try:
        authorization = await dependencies.authorizer.authorize()
        if isinstance(authorization, Unauthorized):
            return _unavailable(authorization), 0.0
        began = dependencies.clock.monotonic()
        outcome = await _sending(export, authorization, dependencies)
        verdict, round_trip = _judged(outcome, began, dependencies)
        if isinstance(verdict, CredentialsRefused):
            return await _again(export, authorization, verdict, round_trip, dependencies)
        return verdict, round_trip
    except asyncio.CancelledError as error:
        if asked_to_end():
            raise
        return Broken(where(error)), 0.0
    except Exception as error:
        return Broken(where(error)), 0.0


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
    return _ours(verdict) if isinstance(verdict, CredentialsRefused) else verdict, round_trip


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


def _ours(refused: CredentialsRefused, why: str = "") -> Unavailable:
    return Unavailable("credentials", f"HTTP {refused.status}{why}", refused.status)
