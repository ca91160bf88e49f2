"""Whose fault a failed attempt was, and the consequence: a retry, a dead letter or a pause."""

from __future__ import annotations

from exporter.messages.export import Export
from exporter.outbox.breaker import Breaker
from exporter.outbox.concurrency import Concurrency
from exporter.outbox.limits import Limits
from exporter.outbox.next_steps import DeadLetter, Hold, Next
from exporter.outbox.verdict import (
    Broken,
    Failure,
    MaybePassing,
    PauseReason,
    Rejected,
    TooFast,
    Unavailable,
)

BUGS_IN_A_ROW = 5


class Pause:
    """Why a dataflow sends nothing but probes, and when the next is due."""

    __slots__ = ("detail", "last_profile", "probe_at", "probes", "reason", "refused", "since")

    def __init__(self, reason: PauseReason, detail: str, since: float) -> None:
        self.reason = reason
        self.detail = detail
        self.since = since
        self.probes = 0
        self.probe_at = since
        self.last_profile: str | None = None
        self.refused: set[Export] = set()


class FailurePolicy:
    """What a destination's attempts have shown so far. Times are the outbox's.

    ``pause`` is the pause that follows, None as long as exports are sent. ``concurrency`` hears how attempts ended.
    """

    def __init__(self, limits: Limits, concurrency: Concurrency) -> None:
        self._limits = limits
        self._concurrency = concurrency
        self._breaker = Breaker()
        # Retries used since the last 2xx, by export.
        self._charged: dict[Export, int] = {}
        self._rejections = 0
        self._bugs = 0
        self.pause: Pause | None = None

    # -- how attempts end

    def delivered(self, export: Export, probe: bool, round_trip: float, now: float) -> None:
        """Note an attempt, perhaps a ``probe``, that ended with 2xx after ``round_trip`` seconds."""
        self._bugs = self._rejections = 0
        self._charged.clear()
        self._breaker.delivered()
        if self.pause is not None:
            self.pause.refused.discard(export)
        if probe:
            self._end_pause(export)
        else:
            self._concurrency.succeeded(round_trip, now)

    def failed(self, export: Export, verdict: Failure, probe: bool, round_trip: float, now: float) -> Next:
        """What follows an attempt that ended otherwise."""
        if not isinstance(verdict, Broken):
            self._bugs = 0
        match verdict:
            case Rejected():
                return self._rejected(export, probe, round_trip, now)
            case MaybePassing(detail):
                return self._passing(export, probe, detail, now)
            case TooFast(hint):
                return self._too_fast(export, probe, hint, now)
            case Unavailable():
                return self._unavailable(export, probe, verdict, now)
            case Broken(detail):
                return self._broken(probe, detail, now)

    def _rejected(self, export: Export, probe: bool, round_trip: float, now: float) -> Next:
        if self.pause is not None and self.pause.reason == "rejections":
            if probe:
                self._probe_failed(self.pause, now)
            return Hold()
        self._rejections += 1
        if probe:
            self._end_pause(export)
        else:
            self._breaker.answered()
            self._concurrency.succeeded(round_trip, now)
        most = self._limits.pause_after_rejections
        # Not "==": the last rejection may have come back while a different pause was on.
        if 0 < most <= self._rejections and self.pause is None:
            self._begin_pause("rejections", f"{self._rejections} exports in a row were rejected", now)
        return DeadLetter("rejected")

    def _passing(self, export: Export, probe: bool, detail: str, now: float) -> Next:
        if self.pause is not None:
            if probe:
                self._probe_failed(self.pause, now)
            return Hold()
        self._concurrency.failed(now)
        exhausted = export.retries_used >= self._limits.retries
        if self._breaker.failed() or (exhausted and self._breaker.exhausts()):
            self._give_back()
            self._begin_pause("failing", detail, now)
            return Hold()
        if exhausted:
            return DeadLetter("retries_exhausted")
        export.due = now + self._limits.retry_delay(export.retries_used)
        export.retries_used += 1
        self._charged[export] = self._charged.get(export, 0) + 1
        return Hold()

    def _too_fast(self, export: Export, probe: bool, hint: float | None, now: float) -> Next:
        own = self._limits.retry_delay(min(export.too_fast, self._limits.retries - 1))
        export.too_fast += 1
        capped = None if hint is None else self._limits.capped(hint)
        if self.pause is not None:
            if probe:
                self._probe_failed(self.pause, now)
            if capped is not None and not export.suspect:
                self._refuse(export, capped, now)
            return Hold()
        self._concurrency.pushed_back(now)
        if capped is None or export.suspect:
            export.due = now + max(own, capped or 0.0)
            return Hold()
        self._begin_pause("retry_after", "HTTP 429 with Retry-After", now)
        self._refuse(export, capped, now)
        return Hold()

    def _unavailable(self, export: Export, probe: bool, verdict: Unavailable, now: float) -> Next:
        if not verdict.attempted:
            # Nothing went out: no token, or no connection.
            export.attempts -= 1
        if verdict.attempted and export.suspect:
            return self._passing(export, probe, verdict.detail, now)
        if self.pause is None:
            self._begin_pause(verdict.reason, verdict.detail, now)
        elif probe:
            if self.pause.reason != "rejections":
                self.pause.reason = verdict.reason
                self.pause.detail = verdict.detail
            self._probe_failed(self.pause, now)
        hint = self._limits.capped(verdict.retry_after_seconds or 0.0)
        if verdict.attempted:
            self._refuse(export, hint, now)
        elif self.pause is not None:
            # The token endpoint's: it is asked by a probe.
            self.pause.probe_at = max(self.pause.probe_at, now + hint)
        return Hold()

    def _broken(self, probe: bool, detail: str, now: float) -> Next:
        self._bugs += 1
        if self.pause is not None and probe:
            self._probe_failed(self.pause, now)
            return Hold()
        if self._bugs >= BUGS_IN_A_ROW and self.pause is None:
            self._begin_pause("bug", detail, now)
        return DeadLetter("bug")

    # -- pauses

    def _begin_pause(self, reason: PauseReason, detail: str, now: float) -> None:
        self.pause = Pause(reason, detail, now)
        self.pause.probe_at = now + self._limits.probe_delay(0)

    def _probe_failed(self, pause: Pause, now: float) -> None:
        pause.probes += 1
        pause.probe_at = now + self._limits.probe_delay(pause.probes)

    def _refuse(self, export: Export, hint_seconds: float, now: float) -> None:
        """Note that the endpoint itself refused an export: no probe before the hint is over."""
        if self.pause is not None:
            self.pause.refused.add(export)
            self.pause.probe_at = max(self.pause.probe_at, now + hint_seconds)

    def _end_pause(self, export: Export) -> None:
        if self.pause is None:
            return
        for refused in self.pause.refused:
            # The endpoint takes other exports: from now on a refusal is the refused export's own fault.
            refused.suspect = refused is not export
        self.pause = None
        self._breaker.empty()
        self._concurrency.begin()

    def _give_back(self) -> None:
        """Give back the retries used since the last 2xx: the destination was down, so the events were not at fault."""
        for export, count in self._charged.items():
            export.retries_used -= count
        self._charged.clear()

    def forget(self, export: Export) -> None:
        """Forget an export that becomes a dead letter, or whose lane was lost."""
        self._charged.pop(export, None)
        if self.pause is not None:
            self.pause.refused.discard(export)
