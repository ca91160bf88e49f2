"""One attempt: authorise, send, judge; with one more try, at once and uncounted, under a new token."""

from __future__ import annotations

from dataclasses import dataclass, replace

from exporter.auth.authorizer import Authorization, Unauthorized
from exporter.dataflow.examine import where
from exporter.dataflow.parts import Parts
from exporter.delivery.export import Export
from exporter.delivery.request import Answer, NoAnswer, Outcome, Unreachable
from exporter.delivery.verdict import Broken, CredentialsRefused, Final, Unavailable, Verdict, judge
from exporter.metrics import StatusClass


@dataclass(frozen=True, slots=True)
class Attempted:
    """How an attempt ended, and its round trip in seconds (0.0 where nothing was sent)."""

    verdict: Final
    round_trip: float


async def attempt(export: Export, parts: Parts) -> Attempted:
    """Send an export once. Never raises: a bug is a verdict too."""
    try:
        return await _attempt(export, parts)
    except Exception as error:
        return Attempted(Broken(where(error)), 0.0)


async def _attempt(export: Export, parts: Parts) -> Attempted:
    authorization = await parts.authorizer.authorize()
    if isinstance(authorization, Unauthorized):
        return _without_authorization(authorization)
    verdict, round_trip = await _send(export, authorization, parts)
    if not isinstance(verdict, CredentialsRefused):
        return Attempted(verdict, round_trip)
    renewed = await parts.authorizer.renew(authorization)
    if isinstance(renewed, Unauthorized):
        return Attempted(_refused(verdict) if renewed.cause == "credentials" else _unavailable(renewed), round_trip)
    verdict, round_trip = await _send(export, renewed, parts)
    if isinstance(verdict, CredentialsRefused):
        return Attempted(_refused(verdict), round_trip)
    return Attempted(verdict, round_trip)


async def _send(export: Export, authorization: Authorization, parts: Parts) -> tuple[Verdict, float]:
    request = parts.prepared.request(authorization.header, export.key, export.position, export.body)
    began = parts.clock.monotonic()
    outcome = await parts.transport.send(request)
    round_trip = parts.clock.monotonic() - began
    parts.metrics.attempts[status_class(outcome)].inc()
    parts.metrics.attempt_seconds.observe(round_trip)
    if isinstance(outcome, Answer) and outcome.status >= 300:
        outcome = replace(outcome, body=parts.prepared.without_secrets(outcome.body))
    return judge(outcome, parts.authorizer.refresh_on, parts.clock.epoch()), round_trip


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


def _without_authorization(failure: Unauthorized) -> Attempted:
    return Attempted(_unavailable(failure), 0.0)


def _unavailable(failure: Unauthorized) -> Unavailable:
    # The endpoint was not asked (again): whatever it takes later, this export was not what it refused.
    return Unavailable(failure.cause, failure.detail, attempted=False)


def _refused(verdict: CredentialsRefused) -> Unavailable:
    return Unavailable("credentials", f"HTTP {verdict.status}", verdict.status)
