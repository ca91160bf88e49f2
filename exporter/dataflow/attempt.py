"""One attempt: authorise, send, judge; with one more try, at once and uncounted, under a new token."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.examine import where
from exporter.dataflow.parts import Parts
from exporter.delivery.export import Export
from exporter.delivery.request import Answer, NoAnswer, Outcome, Request, Unreachable
from exporter.delivery.verdict import Broken, CredentialsRefused, Final, Unavailable, judge
from exporter.metrics import StatusClass

_BY_HUNDREDS: Mapping[int, StatusClass] = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


class Attempted(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended, and its round trip in seconds (0.0 where nothing was sent)."""

    verdict: Final
    round_trip: float


class _Refused(msgspec.Struct, frozen=True, gc=False):
    status: int
    round_trip: float


async def attempt(export: Export, parts: Parts) -> Attempted:
    """Send an export once. Never raises: a bug is a verdict too."""
    try:
        authorization = await parts.authorizer.authorize()
        if isinstance(authorization, Unauthorized):
            return Attempted(_unavailable(authorization), 0.0)
        began = parts.clock.monotonic()
        outcome = await parts.transport.send(_request(export, authorization, parts))
        attempted = _judged(outcome, began, parts)
        if isinstance(attempted, _Refused):
            return await _again(export, authorization, attempted, parts)
        return attempted
    except Exception as error:
        return Attempted(Broken(where(error)), 0.0)


async def _again(export: Export, authorization: Authorization, refused: _Refused, parts: Parts) -> Attempted:
    renewed = await parts.authorizer.renew(authorization)
    if isinstance(renewed, Unauthorized):
        return _ours(refused) if renewed.cause == "credentials" else Attempted(_unavailable(renewed), 0.0)
    began = parts.clock.monotonic()
    outcome = await parts.transport.send(_request(export, renewed, parts))
    again = _judged(outcome, began, parts)
    return _ours(again) if isinstance(again, _Refused) else again


def _request(export: Export, authorization: Authorization, parts: Parts) -> Request:
    return parts.prepared.request(authorization.header, export.key, export.position, export.body)


def _judged(outcome: Outcome, began: float, parts: Parts) -> Attempted | _Refused:
    clock, metrics = parts.clock, parts.metrics
    round_trip = clock.monotonic() - began
    metrics.attempts[status_class(outcome)].inc()
    metrics.attempt_seconds.observe(round_trip)
    if isinstance(outcome, Answer) and outcome.status >= 300:
        outcome = Answer(outcome.status, outcome.headers, parts.prepared.without_secrets(outcome.body))
    verdict = judge(outcome, parts.authorizer.refresh_on, clock.epoch)
    if isinstance(verdict, CredentialsRefused):
        return _Refused(verdict.status, round_trip)
    return Attempted(verdict, round_trip)


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
    # The endpoint was not asked (again): whatever it takes later, this export was not what it refused.
    return Unavailable(failure.cause, failure.detail, attempted=False)


def _ours(refused: _Refused) -> Attempted:
    return Attempted(Unavailable("credentials", f"HTTP {refused.status}", refused.status), refused.round_trip)
