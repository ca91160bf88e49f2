"""One attempt: authorise, send, judge; with one more try, at once and uncounted, under a new token."""

from __future__ import annotations

import msgspec

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.examine import where
from exporter.dataflow.parts import Parts
from exporter.delivery.export import Export
from exporter.delivery.request import Answer, NoAnswer, Outcome, Unreachable
from exporter.delivery.verdict import Broken, CredentialsRefused, Final, Unavailable, judge
from exporter.metrics import StatusClass


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
        attempted = await _send(export, authorization, parts)
        if not isinstance(attempted, _Refused):
            return attempted
        return await _again(export, authorization, attempted, parts)
    except Exception as error:
        return Attempted(Broken(where(error)), 0.0)


async def _again(export: Export, authorization: Authorization, refused: _Refused, parts: Parts) -> Attempted:
    renewed = await parts.authorizer.renew(authorization)
    if isinstance(renewed, Unauthorized):
        return _ours(refused) if renewed.cause == "credentials" else Attempted(_unavailable(renewed), 0.0)
    again = await _send(export, renewed, parts)
    return _ours(again) if isinstance(again, _Refused) else again


async def _send(export: Export, authorization: Authorization, parts: Parts) -> Attempted | _Refused:
    request = parts.prepared.request(authorization.header, export.key, export.position, export.body)
    clock, metrics = parts.clock, parts.metrics
    began = clock.monotonic()
    outcome = await parts.transport.send(request)
    round_trip = clock.monotonic() - began
    metrics.attempts[status_class(outcome)].inc()
    metrics.attempt_seconds.observe(round_trip)
    if isinstance(outcome, Answer) and outcome.status >= 300:
        outcome = Answer(outcome.status, outcome.headers, parts.prepared.without_secrets(outcome.body))
    verdict = judge(outcome, parts.authorizer.refresh_on, clock.epoch())
    if isinstance(verdict, CredentialsRefused):
        return _Refused(verdict.status, round_trip)
    return Attempted(verdict, round_trip)


def status_class(outcome: Outcome) -> StatusClass:
    """The label under which an attempt is counted."""
    match outcome:
        case Unreachable():
            return "unreachable"
        case Answer(status) if 200 <= status < 300:
            return "2xx"
        case Answer(status) if 300 <= status < 400:
            return "3xx"
        case Answer(status) if 400 <= status < 500:
            return "4xx"
        case Answer(status) if 500 <= status < 600:
            return "5xx"
        case Answer() | NoAnswer():
            return "no_answer"


def _unavailable(failure: Unauthorized) -> Unavailable:
    # The endpoint was not asked (again): whatever it takes later, this export was not what it refused.
    return Unavailable(failure.cause, failure.detail, attempted=False)


def _ours(refused: _Refused) -> Attempted:
    return Attempted(Unavailable("credentials", f"HTTP {refused.status}", refused.status), refused.round_trip)
