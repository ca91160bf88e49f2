"""The result of the demo: its rows, the same as JSON, and whether all is as expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from exporter.receiver.oracle import Judgement
from exporter.sections.printable import agreeing, counted


@dataclass(frozen=True, slots=True)
class Summary:
    """The demo's result.

    ``posted`` raw records became ``outcomes``; ``excluded`` and ``dead_lettered`` by reason; latencies in seconds, from
    a change to the acceptance by the receiver, over the changes that came while the daemon ran; ``exit_codes`` of the
    way in and of the daemon; ``payload`` is a received body.
    """

    posted: int
    outcomes: Mapping[str, int]
    queued: int
    received: int
    excluded: Mapping[str, int]
    expected_excluded: Mapping[str, int]
    delivered: int
    retried: int
    dead_lettered: Mapping[str, int]
    judgement: Judgement
    expired_tokens: int
    tokens_issued: int
    answers: Mapping[int, int]
    latency_p50: float
    latency_p95: float
    exit_codes: tuple[int, int]
    payload: bytes = field(repr=False)

    def broken(self) -> Sequence[str]:
        """Every expectation that was not met, as a sentence; empty when all is well."""
        judgement = self.judgement
        checks = {
            counted(len(judgement.lost), "event was lost", "events were lost"): judgement.lost,
            counted(
                len(judgement.unexpected),
                "event was exported that should not be",
                "events were exported that should not be",
            ): judgement.unexpected,
            counted(judgement.duplicates, "duplicate was received", "duplicates were received"): judgement.duplicates,
            counted(
                len(judgement.rekeyed), "state was delivered under two keys", "states were delivered under two keys"
            ): judgement.rekeyed,
            counted(
                len(judgement.overtaken), "older state came after a newer one", "older states came after newer ones"
            ): judgement.overtaken,
            counted(len(judgement.concurrent), "time")
            + " two requests of one profile were in flight": judgement.concurrent,
            counted(self.received, "event was", "events were")
            + f" received of {self.queued} on the queue": self.received != self.queued,
            f"excluded were {dict(self.excluded)} instead of {dict(self.expected_excluded)}": dict(self.excluded)
            != dict(self.expected_excluded),
            "the malformed event is not among the dead letters": self.dead_lettered.get("malformed") != 1,
            "no request was retried": self.retried == 0,
            "no expired token was answered with 401": self.expired_tokens == 0,
            f"of {self.posted} records with one that is nobody's were {dict(self.outcomes)}": dict(self.outcomes)
            != {"applied": self.posted - 1, "bad": 1},
            f"the way in ended with exit code {self.exit_codes[0]}": self.exit_codes[0] != 0,
            f"the daemon ended with exit code {self.exit_codes[1]}": self.exit_codes[1] != 0,
        }
        return [sentence for sentence, violated in checks.items() if violated]

    def document(self) -> dict[str, Any]:
        """The summary as plain data, for ``--json``."""
        return {
            "posted": self.posted,
            "records": dict(self.outcomes),
            "received": self.received,
            "excluded": dict(self.excluded),
            "delivered": self.delivered,
            "retried": self.retried,
            "dead_lettered": dict(self.dead_lettered),
            "duplicates": self.judgement.duplicates,
            "out_of_order": len(self.judgement.overtaken),
            "lost": len(self.judgement.lost),
            "expired_tokens": self.expired_tokens,
            "tokens_issued": self.tokens_issued,
            "answers": {str(status): count for status, count in sorted(self.answers.items())},
            "latency_seconds": {"p50": round(self.latency_p50, 4), "p95": round(self.latency_p95, 4)},
            "serve_exit_code": self.exit_codes[0],
            "exit_code": self.exit_codes[1],
            "broken": list(self.broken()),
            "payload": orjson.loads(self.payload),
        }

    def rows(self) -> Sequence[tuple[str, str, str]]:
        """The summary for people: what was counted, the count, and what is to say of it."""
        return [
            ("posted", _count(self.posted), f"raw records by HTTP: {_reasons(self.outcomes)}"),
            ("received", _count(self.received), "events read from the journal"),
            ("excluded", _count(sum(self.excluded.values())), _reasons(self.excluded)),
            ("delivered", _count(self.delivered), "accepted with 2xx"),
            ("retried", _count(self.retried), f"for the answers {_answers(self.answers)}"),
            ("dead-lettered", _count(sum(self.dead_lettered.values())), _reasons(self.dead_lettered)),
            ("duplicates", _count(self.judgement.duplicates), ""),
            ("out of order", _count(len(self.judgement.overtaken)), ""),
            ("lost", _count(len(self.judgement.lost)), ""),
            ("tokens", _count(self.tokens_issued), f"{self.expired_tokens} × 401 with an expired one"),
            ("latency p50", f"{self.latency_p50 * 1000:,.0f} ms", "from the change to its acceptance"),
            ("latency p95", f"{self.latency_p95 * 1000:,.0f} ms", "retries included"),
        ]

    def verdict(self) -> str:
        """What the demo has shown, in a sentence."""
        if broken := self.broken():
            return f"Not as expected: {counted(len(broken), 'expectation was', 'expectations were')} not met."
        events = f"{self.received:,} {agreeing(self.received, 'event')}"
        return f"All is well: of {events} none was lost, repeated or overtaken."


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` (0 to 1) of ``values`` do not exceed; 0 if there are none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _count(number: int) -> str:
    return f"{number:,}"


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items()))


def _answers(counts: Mapping[int, int]) -> str:
    """The failures that are retried; a 401 leads to a new token, which is no retry."""
    failures = ((status, count) for status, count in sorted(counts.items()) if status >= 300 and status != 401)
    return ", ".join(f"{count:,} × {status}" for status, count in failures)
