"""From the end of an attempt to its verdict (contract.md#whose-fault)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.messages.retry_after import retry_after
from exporter.outbox.verdict import (
    CredentialsRefused,
    Delivered,
    MaybePassing,
    Rejected,
    TooFast,
    Unavailable,
    Verdict,
)

#: Statuses below 500 that may pass by themselves (contract.md#whose-fault); 429 has a verdict of its own.
_PASSING = frozenset({403, 408, 409, 421, 425})


def judge(outcome: Outcome, refresh_on: Collection[int], epoch: Callable[[], float]) -> Verdict:
    """Judge the outcome of an attempt.

    Args:
        outcome: the result of the transport.
        refresh_on: the statuses that mean that the authorization was refused.
        epoch: the wall clock in epoch seconds, asked for a ``Retry-After`` that is a date.
    """
    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
        return Delivered(outcome.status)
    match outcome:
        case Unreachable(reason, cause):
            # Nothing went out, so the export is not at fault, whatever the destination takes later.
            return Unavailable("proxy" if cause == "proxy" else "unreachable", reason, attempted=False)
        case NoAnswer(reason):
            return MaybePassing(reason)
        case Answer(status) if status in refresh_on:
            return CredentialsRefused(status)
        case Answer(429, headers):
            return TooFast(retry_after(headers.get("retry-after"), epoch()))
        case Answer(407):
            return Unavailable("proxy", "HTTP 407", 407)
        case Answer(503, headers, body):
            hint = retry_after(headers.get("retry-after"), epoch())
            if hint is not None:
                return Unavailable("retry_after", "HTTP 503 with Retry-After", 503, hint)
            return MaybePassing("HTTP 503", 503, body)
        case Answer(status, _, body) if 300 <= status < 500 and status not in _PASSING:
            return Rejected(status, body)
        case Answer(status, _, body):
            return MaybePassing(f"HTTP {status}", status, body)
