"""What each answer means (contract.md#whose-fault), as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.messages.exchange import Answer, NoAnswer, Outcome, Unreachable
from exporter.messages.retry_after import retry_after
from exporter.outbox.judging import judge
from exporter.outbox.verdict import (
    CredentialsRefused,
    Delivered,
    MaybePassing,
    Rejected,
    TooFast,
    Unavailable,
    Verdict,
)

REFRESH = frozenset({401})
NOW = 1_790_000_000.0


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"body")


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        *[(answer(status), Delivered(status)) for status in (200, 201, 202, 204, 299)],
        *[(answer(status), Rejected(status, b"body")) for status in (300, 301, 302, 304, 307, 308)],
        *[(answer(status), Rejected(status, b"body")) for status in (400, 402, 404, 405, 410, 413, 422, 451, 499)],
        *[(answer(status), MaybePassing(f"HTTP {status}", status, b"body")) for status in (403, 408, 409, 421, 425)],
        *[
            (answer(status), MaybePassing(f"HTTP {status}", status, b"body"))
            for status in (500, 501, 502, 503, 504, 599)
        ],
        (answer(600), MaybePassing("HTTP 600", 600, b"body")),
        (NoAnswer("timed out"), MaybePassing("timed out")),
        (answer(401), CredentialsRefused(401)),
        (answer(429), TooFast(None)),
        (answer(429, retry_after="12"), TooFast(12.0)),
        (answer(503, retry_after="7"), Unavailable("retry_after", "HTTP 503 with Retry-After", 503, 7.0)),
        (answer(503, retry_after="soon"), MaybePassing("HTTP 503", 503, b"body")),
        (answer(500, retry_after="7"), MaybePassing("HTTP 500", 500, b"body")),
        (answer(407), Unavailable("proxy", "HTTP 407", 407)),
        (Unreachable("connection refused"), Unavailable("unreachable", "connection refused", attempted=False)),
        (Unreachable("refused", "proxy"), Unavailable("proxy", "refused", attempted=False)),
    ],
)
def test_verdicts(outcome: Outcome, verdict: Verdict) -> None:
    assert judge(outcome, REFRESH, lambda: NOW) == verdict


def test_the_statuses_that_refuse_a_token_are_configured_and_win() -> None:
    assert judge(answer(403), {401, 403}, lambda: NOW) == CredentialsRefused(403)
    assert judge(answer(401), {403}, lambda: NOW) == Rejected(401, b"body")


@given(st.integers(100, 999))
def test_every_status_has_a_verdict(status: int) -> None:
    judge(answer(status), REFRESH, lambda: NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("tomorrow", None),
        ("Mon, 21 Sep 2026 14:13:30 GMT", 10.0),
        ("Mon, 21 Sep 2026 14:13:10 GMT", 0.0),
        ("Mon Sep 21 14:13:30 2026", 10.0),
        ("Mon, 21 Sep 2026 14:13:30 -0000", 10.0),
        ("Mon, 99 Sep 2026 14:13:10 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text())
def test_retry_after_never_raises(value: str) -> None:
    found = retry_after(value, NOW)
    assert found is None or found >= 0
