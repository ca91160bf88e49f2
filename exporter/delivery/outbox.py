"""The outbox: one dataflow's exports, and which of them is sent when (DESIGN §3, §3.1, §4).

A state machine on a time that is passed in. It owns the profiles' lines, waiting retries, permits, pacing,
the pause and the breaker; it sends nothing and waits for nothing itself:

    add -> take -> answered -> (stored) -> gone
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from exporter.delivery.breaker import Breaker
from exporter.delivery.concurrency import Concurrency
from exporter.delivery.export import Export
from exporter.delivery.lines import Line, Lines
from exporter.delivery.memory import Account
from exporter.delivery.pacing import Pacing
from exporter.delivery.verdict import (
    Broken,
    DeadLetterReason,
    Delivered,
    Final,
    MaybePassing,
    PauseReason,
    Rejected,
    TooFast,
    Unavailable,
)

BUGS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """What the outbox keeps to; see DESIGN §2.4 ``delivery``.

    ``rate`` is attempts a second; ``retry_delay(n)`` gives the seconds before retry n, n from 0, of ``retries``;
    ``probe_delay(n)`` those before probe n of a pause.
    """

    retries: int
    retry_delay: Callable[[int], float]
    probe_delay: Callable[[int], float]
    rate: float
    concurrency: int
    window_events: int
    window_bytes: int
    retry_after_cap: float
    pause_after_rejections: int


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send this export now."""

    export: Export


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Send this export now, to find out whether the destination is back."""

    export: Export


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Nothing to send before this time; None: not before something is added, answered or resumed."""

    until: float | None


class Settle(msgspec.Struct, frozen=True, gc=False):
    """Done with: acknowledge it."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """Store it as a dead letter, then say ``stored``; until then it keeps its place in line."""

    reason: DeadLetterReason


class Hold(msgspec.Struct, frozen=True, gc=False):
    """It stays in line and will be sent again."""


Take = Send | Probe | Wait
Next = Settle | DeadLetter | Hold


class Pause:
    """Why a dataflow sends nothing, and when it tries again."""

    __slots__ = ("detail", "last_profile", "probe_at", "probes", "reason", "refused", "since")

    def __init__(self, reason: PauseReason, detail: str, since: float) -> None:
        self.reason = reason
        self.detail = detail
        self.since = since
        self.probes = 0
        self.probe_at = since
        self.last_profile: str | None = None
        self.refused: set[Export] = set()


class Outbox:
    """See the module. Times are seconds on one clock that never goes back."""

    def __init__(self, limits: Limits, account: Account) -> None:
        self._limits = limits
        self._lines = Lines(limits.window_events, limits.window_bytes, account)
        self._flying: dict[Export, Line] = {}
        self._probe: Export | None = None
        self._charged: dict[Export, int] = {}
        self._breaker = Breaker()
        self._pacing = Pacing(limits.rate)
        self._concurrency = Concurrency(limits.concurrency)
        self._rejections = 0
        self._bugs = 0
        self._closed = False
        self.pause: Pause | None = None
        self._stops: set[tuple[PauseReason, str]] = set()

    # -- what it holds

    @property
    def in_flight(self) -> int:
        """Attempts in flight."""
        return len(self._flying)

    @property
    def concurrency(self) -> int:
        """How many attempts may be in flight now."""
        return self._concurrency.limit

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """Why nothing is sent, if so."""
        return self.stops | {self.pause.reason} if self.pause else self.stops

    @property
    def stops(self) -> frozenset[PauseReason]:
        """The reasons that are probed elsewhere."""
        return frozenset(reason for reason, _ in self._stops)

    @property
    def events(self) -> int:
        """Exports in hand: in flight, waiting for a turn or a retry, or becoming a dead letter."""
        return self._lines.events

    def exports(self) -> Iterator[Export]:
        """Everything it holds, each profile's oldest first."""
        return iter(self._lines)

    def room(self, most: int, usual_size: int) -> int:
        """How many events, at most ``most``, may be read now, if they are about ``usual_size`` bytes each."""
        return 0 if self._closed else self._lines.room(most, usual_size)

    def flying(self, lane: str) -> bool:
        """Is anything of this lane in flight or being stored?"""
        return any(export.message.lane == lane for export in self._flying) or self._lines.storing(lane)

    # -- in

    def add(self, export: Export, now: float) -> None:
        """Put an export at the end of its profile's line."""
        self._lines.append(export, now)

    def replay(self, export: Export, now: float) -> None:
        """Put a dead letter before what waits of its profile, after what is in flight and earlier replays."""
        self._lines.insert(export, now)

    def withdraw(self, export: Export, now: float) -> None:
        """Take out an export that was taken but will not be sent: a superseded replay."""
        line = self._land(export)
        self._lines.remove_head(line, now)

    def set_aside(self, size: int) -> None:
        """Count an event that becomes a dead letter without ever being sent: until it is stored, it is in hand."""
        self._lines.count_aside(size, 1)

    def put_away(self, size: int) -> None:
        """That event is stored."""
        self._lines.count_aside(size, -1)

    # -- out

    def take(self, now: float) -> Take:
        """What to send at this time."""
        if self._closed or self._stops:
            return Wait(None)
        if self.pause is not None:
            return self._take_probe(self.pause, now)
        if not self._lines.any_ready(now):
            return Wait(self._lines.next_due())
        if len(self._flying) >= self._concurrency.limit:
            self._concurrency.reached()
            return Wait(None)
        free_at = self._pacing.free_at()
        if free_at > now:
            return Wait(free_at)
        return Send(self._launch(self._lines.launch(), now))

    def _take_probe(self, pause: Pause, now: float) -> Take:
        if self._probe is not None:
            return Wait(None)
        if now < pause.probe_at:
            return Wait(pause.probe_at)
        free_at = self._pacing.free_at()
        if free_at > now:
            return Wait(free_at)
        self._lines.any_ready(now)
        line = self._lines.launch_probe(pause.last_profile)
        if line is None:
            return Wait(None)
        self._probe = self._launch(line, now)
        pause.last_profile = self._probe.profile_id
        return Probe(self._probe)

    def _launch(self, line: Line, now: float) -> Export:
        export = line.exports[0]
        export.attempts += 1
        self._flying[export] = line
        self._pacing.spend(now)
        return export

    def _land(self, export: Export) -> Line:
        line = self._flying.pop(export)
        line.in_flight = False
        if export is self._probe:
            self._probe = None
        return line

    # -- what became of it

    def answered(self, export: Export, verdict: Final, now: float, round_trip: float = 0.0) -> Next:
        """Say how an attempt ended, ``round_trip`` seconds after it began, and be told what follows."""
        probe = export is self._probe
        line = self._land(export)
        if isinstance(verdict, Unavailable) and not verdict.attempted:
            # Nothing went out: no token, or no connection.
            export.attempts -= 1
        if not isinstance(verdict, Broken):
            self._bugs = 0
        match verdict:
            case Delivered():
                self._delivered(probe, round_trip, now)
                self._forget(export)
                if probe:
                    self._end_pause(export)
                self._lines.remove_head(line, now)
                return Settle()
            case Rejected():
                following = self._rejected(export, probe, round_trip, now)
            case MaybePassing(detail):
                following = self._failed(export, probe, detail, now)
            case TooFast(hint):
                following = self._too_fast(export, probe, hint, now)
            case Unavailable():
                following = self._unavailable(export, probe, verdict, now)
            case Broken(detail):
                following = self._broken(probe, detail, now)
        if isinstance(following, DeadLetter):
            line.storing = True
            self._forget(export)
        elif export.released:
            self._forget(export)
            self._lines.remove_head(line, now)
        else:
            self._lines.schedule(line, now)
        return following

    def stored(self, export: Export, now: float) -> None:
        """Its dead letter is durable: the next of its profile may go."""
        line = self._lines.of(export)
        line.storing = False
        self._lines.remove_head(line, now)

    def _delivered(self, probe: bool, round_trip: float, now: float) -> None:
        self._rejections = 0
        self._charged.clear()
        self._breaker.delivered()
        if not probe:
            self._concurrency.succeeded(round_trip, now)

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
        # Not "==": the last of them may have come back while another pause was on.
        if 0 < most <= self._rejections and self.pause is None:
            self._begin_pause("rejections", f"{self._rejections} exports in a row were rejected", now)
        return DeadLetter("rejected")

    def _failed(self, export: Export, probe: bool, detail: str, now: float) -> Next:
        if self.pause is not None:
            if probe:
                self._probe_failed(self.pause, now)
            return Hold()
        self._concurrency.failed(now)
        if self._breaker.failed():
            self._give_back()
            self._begin_pause("failing", detail, now)
            return Hold()
        if export.retries_used >= self._limits.retries:
            if self._breaker.exhausts():
                self._give_back()
                self._begin_pause("failing", detail, now)
                return Hold()
            return DeadLetter("retries_exhausted")
        export.due = now + self._limits.retry_delay(export.retries_used)
        export.retries_used += 1
        self._charged[export] = self._charged.get(export, 0) + 1
        return Hold()

    def _too_fast(self, export: Export, probe: bool, hint: float | None, now: float) -> Next:
        own = self._limits.retry_delay(min(export.too_fast, self._limits.retries - 1))
        export.too_fast += 1
        capped = None if hint is None else min(hint, self._limits.retry_after_cap)
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
        if verdict.attempted and export.suspect:
            return self._failed(export, probe, verdict.detail, now)
        if self.pause is None:
            self._begin_pause(verdict.reason, verdict.detail, now)
        elif probe:
            if self.pause.reason != "rejections":
                self.pause.reason = verdict.reason
                self.pause.detail = verdict.detail
            self._probe_failed(self.pause, now)
        if verdict.attempted:
            hint = verdict.retry_after_seconds
            self._refuse(export, min(hint or 0.0, self._limits.retry_after_cap), now)
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

    def stop(self, reason: PauseReason, by: str = "") -> bool:
        """Send nothing until ``go``: for what is probed elsewhere (the queue, the store). True: it is news.

        Whoever stops it lifts its own stop only: that reading works says nothing about writing.
        """
        news = reason not in self.stops
        self._stops.add((reason, by))
        return news

    def go(self, reason: PauseReason, by: str = "") -> bool:
        """That reason is gone for this one. True: for all."""
        if (reason, by) not in self._stops:
            return False
        self._stops.discard((reason, by))
        return reason not in self.stops

    def _begin_pause(self, reason: PauseReason, detail: str, now: float) -> None:
        self.pause = Pause(reason, detail, now)
        self.pause.probe_at = now + self._limits.probe_delay(0)

    def _probe_failed(self, pause: Pause, now: float) -> None:
        pause.probes += 1
        pause.probe_at = now + self._limits.probe_delay(pause.probes)

    def _refuse(self, export: Export, hint_seconds: float, now: float) -> None:
        """The endpoint refused this export for reasons of its own: no probe before its hint."""
        if self.pause is not None:
            self.pause.refused.add(export)
            self.pause.probe_at = max(self.pause.probe_at, now + hint_seconds)

    def _end_pause(self, export: Export) -> None:
        if self.pause is None:
            return
        for refused in self.pause.refused:
            # The endpoint takes others: what it refused of this one is this one's fault from now on.
            refused.suspect = refused is not export
        self.pause = None
        self._breaker.empty()
        self._concurrency.begin()

    def _give_back(self) -> None:
        """The destination was down: the retries used since the last 2xx were not the events' fault."""
        for export, count in self._charged.items():
            export.retries_used -= count
        self._charged.clear()

    # -- going away

    def release(self, lane: str, now: float) -> None:
        """Let go of what is not in flight of a lane; what is in flight may finish, but is not tried again."""
        for export in self._lines.release(lane, now):
            self._forget(export)

    def close(self) -> None:
        """Send nothing more; what is in flight may finish."""
        self._closed = True

    def _forget(self, export: Export) -> None:
        self._charged.pop(export, None)
        if self.pause is not None:
            self.pause.refused.discard(export)
