"""The metrics of each destination, in ``exporter run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from exporter.outbox.verdict import PauseReason
from exporter.profile.decision import Reason as Exclusion
from exporter.telemetry.families.family import Family, FamilyKind, by_name

StatusClass = Literal["2xx", "3xx", "4xx", "5xx", "no_answer", "unreachable"]
TokenOutcome = Literal["ok", "refused", "failed"]
TimeFault = Literal["absent", "unreadable"]


def _of(
    name: str, kind: FamilyKind, unit: str, meaning: str, look: str, note: str = "", **labels: tuple[Any, ...]
) -> Family:
    """All carry ``destination``, a name of the configuration; no label takes a value that data can choose."""
    return Family(name, kind, unit, meaning, look, note, {"destination": (), **labels})


DESTINATION: Final[Mapping[str, Family]] = by_name(
    [
        _of(
            "exporter_events_received",
            "counter",
            "events",
            "Events read from the queue; what a reload reads again counts again.",
            "whether anything comes at all",
            "Whether or not they concern the destination.",
        ),
        _of(
            "exporter_events_excluded",
            "counter",
            "events",
            "Events that are not for this destination, by reason.",
            "a partner misses profiles although events come: the reason says which condition is not met",
            "Settled without a request.",
            reason=get_args(Exclusion),
        ),
        _of(
            "exporter_events_without_time",
            "counter",
            "events",
            "Events to be exported whose occurredAt is absent or unreadable, by reason.",
            "`exporter_latency_seconds` looks too good: a producer writes no time, or one that cannot be read",
            "Their latency begins when the queue took the event instead; the time serves nothing else.",
            reason=get_args(TimeFault),
        ),
        _of(
            "exporter_exports",
            "counter",
            "exports",
            "Exports that ended, by outcome.",
            "how much is delivered, and whether events become dead letters",
            "An event that is not excluded ends in one of the two; a replay that is delivered counts again.",
            outcome=("delivered", "dead_lettered"),
        ),
        _of(
            "exporter_attempts",
            "counter",
            "requests",
            "Requests made, by the class of the answer's status.",
            "what a partner answers: the share of `2xx` falls before anything pauses",
            "Retries and probes count again. `no_answer`: the request went out and no status line came back; "
            "`unreachable`: it did not go out.",
            status_class=get_args(StatusClass),
        ),
        _of(
            "exporter_retries",
            "counter",
            "requests",
            "Attempts that repeat an earlier one.",
            "a partner is slow or at its limit, though in the end all is delivered",
            "Of an export that has had a failure that may pass, or a 429.",
        ),
        _of(
            "exporter_dead_letters",
            "gauge",
            "dead letters",
            "Dead letters that are kept.",
            "whether any wait to be looked at, replayed or purged",
            "Superseded ones included.",
        ),
        _of(
            "exporter_attempt_seconds",
            "histogram",
            "seconds",
            "How long an attempt took, in seconds.",
            "whether a partner has become slow",
            "From handing over a request to the transport until its outcome.",
        ),
        _of(
            "exporter_latency_seconds",
            "histogram",
            "seconds",
            "From the change (occurredAt) to its delivery, in seconds.",
            "how far behind a partner is told: the delay that users feel",
            "The time on the queue, retries and pauses included.",
        ),
        _of(
            "exporter_in_flight",
            "gauge",
            "requests",
            "Requests whose answer has not come.",
            "beside `exporter_concurrency`: equal to it while the partner is the bottleneck",
        ),
        _of(
            "exporter_concurrency",
            "gauge",
            "requests",
            "How many requests may be in flight now; adapts up to delivery.concurrency.",
            "it is low although there is much to send: the partner answers late, or with 429",
        ),
        _of(
            "exporter_rate",
            "gauge",
            "requests a second",
            "Attempts a second that the destination gets at most (delivery.rate); "
            "what it gets is rate(exporter_attempts_total).",
            "beside `rate(exporter_attempts_total)`: near it, `delivery.rate` is what holds a destination back",
        ),
        _of(
            "exporter_window_events",
            "gauge",
            "events",
            "Events held in memory.",
            "it stays at `delivery.window.events`: nothing more is read until something is settled",
            "Read from the queue and not settled: in flight, waiting for a turn or a retry, or becoming a dead letter.",
        ),
        _of(
            "exporter_queue_lag",
            "gauge",
            "events",
            "Events on the queue that are not settled.",
            "how much is left to do after a pause, and whether it shrinks",
            "Absent where the queue does not know, and in a standby.",
        ),
        _of(
            "exporter_oldest_pending_seconds",
            "gauge",
            "seconds",
            "Age of the oldest event that is not settled, in seconds.",
            "first of all: it grows whatever the reason is for which a destination is not told",
            "From the time at which the queue took the event. 0 where nothing waits.",
        ),
        _of(
            "exporter_paused",
            "gauge",
            "0 or 1",
            "Whether the dataflow is paused, by reason.",
            "why nothing is sent",
            "1 while the reason holds; several can hold at once.",
            reason=get_args(PauseReason),
        ),
        _of(
            "exporter_token_fetches",
            "counter",
            "requests",
            "Token requests, by outcome.",
            "a destination is paused for `credentials` or `token_endpoint`, or a partner complains of many tokens",
            "`refused`: the token server answered no; `failed`: there was no usable answer.",
            outcome=get_args(TokenOutcome),
        ),
    ]
)
