"""The outbox: a dataflow's exports, and the choice of the next to send.

A state machine on a time that is passed in, which sends nothing and waits for nothing. The outbox owns the profiles'
queues, waiting retries, permits and pacing; ``failure_policy`` says what follows a failure:

    add -> take -> answered -> (stored) -> gone
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporter.messages.export import Export
from exporter.outbox.concurrency import Concurrency
from exporter.outbox.failure_policy import FailurePolicy, Pause
from exporter.outbox.limits import Limits
from exporter.outbox.loop_load import LoopLoad
from exporter.outbox.next_steps import SETTLE, DeadLetter, Next, Probe, Send, Take, Wait
from exporter.outbox.pacing import Pacing
from exporter.outbox.profile_queues import ProfileQueue, ProfileQueues
from exporter.outbox.shares import Share
from exporter.outbox.verdict import Delivered, Judged, PauseReason


class Outbox:
    """A dataflow's exports in hand. Times are seconds on one clock that never goes back.

    ``memory`` and ``connections`` are the outbox's shares of the process's, ``load`` is how busy the process's loop is;
    without the last two the outbox has both to itself.
    """

    def __init__(
        self, limits: Limits, memory: Share, connections: Share | None = None, load: LoopLoad | None = None
    ) -> None:
        self._queues = ProfileQueues(limits.window_events, limits.window_bytes, memory)
        self._flying: dict[Export, ProfileQueue] = {}
        self._probe: Export | None = None
        self._pacing = Pacing(limits.rate)
        self._concurrency = Concurrency(limits.concurrency, connections, load)
        self._policy = FailurePolicy(limits, self._concurrency)
        self._closed = False
        self._stops: dict[tuple[PauseReason, str], str] = {}

    # -- in hand

    @property
    def in_flight(self) -> int:
        """Attempts in flight."""
        return len(self._flying)

    @property
    def concurrency(self) -> int:
        """How many attempts may be in flight now."""
        return self._concurrency.limit

    @property
    def full(self) -> bool:
        """Whether as many attempts are in flight as may be now."""
        return len(self._flying) >= self._concurrency.limit

    @property
    def pause(self) -> Pause | None:
        """The pause during which only probes are sent, or None."""
        return self._policy.pause

    @property
    def reasons(self) -> frozenset[PauseReason]:
        """The reasons why nothing is sent: stops and pause."""
        return self.stops | {self.pause.reason} if self.pause else self.stops

    @property
    def stops(self) -> frozenset[PauseReason]:
        """The reasons that are probed elsewhere, or by nobody, as an operator's pause."""
        return frozenset(reason for reason, _ in self._stops)

    @property
    def events(self) -> int:
        """Exports in hand: in flight, waiting for a turn or a retry, or becoming a dead letter."""
        return self._queues.events

    def exports(self) -> Iterator[Export]:
        """All exports in hand, each profile's oldest first."""
        return iter(self._queues)

    def room(self, most: int, usual_size: int) -> int:
        """How many events, at most ``most``, may be read now, at about ``usual_size`` bytes each."""
        return 0 if self._closed else self._queues.room(most, usual_size)

    def busy(self, lane: str) -> bool:
        """Whether any export of ``lane`` is in flight or being stored."""
        return any(export.message.lane == lane for export in self._flying) or self._queues.storing(lane)

    # -- in

    def add(self, export: Export, now: float) -> None:
        """Put an export at the end of the profile's queue."""
        self._queues.append(export, now)

    def replay(self, export: Export, now: float) -> None:
        """Put a dead letter before the profile's waiting exports, after an export in flight and earlier replays."""
        self._queues.insert(export, now)

    def withdraw(self, export: Export, now: float) -> None:
        """Take out an export that was taken but will not be sent, such as a superseded replay."""
        queue = self._land(export)
        self._queues.remove_head(queue, now)

    def set_aside(self, size: int) -> None:
        """Count an event that becomes a dead letter without ever being sent, and is in hand until stored."""
        self._queues.count_aside(size, 1)

    def put_away(self, size: int) -> None:
        """Stop counting an event whose dead letter is stored."""
        self._queues.count_aside(size, -1)

    # -- out

    def take(self, now: float) -> Take:
        """Choose what to send now."""
        if self._closed or self._stops:
            return Wait(None)
        if self._policy.pause is not None:
            return self._take_probe(self._policy.pause, now)
        queues = self._queues
        if not queues.any_ready(now):
            return Wait(queues.next_due())
        room = self._concurrency.limit - len(self._flying)
        if room <= 0:
            self._concurrency.reached()
            return Wait(None)
        free_at = self._pacing.free_at()
        if free_at > now:
            return Wait(free_at)
        export = self._launch(queues.launch(), now)
        if room == 1 and queues.any_ready(now):
            self._concurrency.reached()
        return Send(export)

    def _take_probe(self, pause: Pause, now: float) -> Take:
        if self._probe is not None:
            return Wait(None)
        if now < pause.probe_at:
            return Wait(pause.probe_at)
        free_at = self._pacing.free_at()
        if free_at > now:
            return Wait(free_at)
        self._queues.any_ready(now)
        queue = self._queues.launch_probe(pause.last_profile)
        if queue is None:
            return Wait(None)
        self._probe = self._launch(queue, now)
        pause.last_profile = self._probe.profile_id
        return Probe(self._probe)

    def _launch(self, queue: ProfileQueue, now: float) -> Export:
        export = queue.exports[0]
        export.attempts += 1
        self._flying[export] = queue
        self._pacing.spend(now)
        return export

    def _land(self, export: Export) -> ProfileQueue:
        queue = self._flying.pop(export)
        queue.in_flight = False
        if export is self._probe:
            self._probe = None
        return queue

    # -- after an attempt

    def answered(self, export: Export, verdict: Judged, now: float, round_trip: float = 0.0) -> Next:
        """Note the ``verdict`` on an attempt of ``round_trip`` seconds; return what follows."""
        probe = export is self._probe
        queue = self._land(export)
        if isinstance(verdict, Delivered):
            self._policy.delivered(export, probe, round_trip, now)
            self._queues.remove_head(queue, now)
            return SETTLE
        following = self._policy.failed(export, verdict, probe, round_trip, now)
        if isinstance(following, DeadLetter):
            queue.storing = True
            self._policy.forget(export)
        elif export.released:
            self._policy.forget(export)
            self._queues.remove_head(queue, now)
        else:
            self._queues.schedule(queue, now)
        return following

    def stored(self, export: Export, now: float) -> None:
        """Note that the export's dead letter is durable: the profile's next export may go."""
        queue = self._queues.of(export)
        queue.storing = False
        self._queues.remove_head(queue, now)

    def probe_now(self, now: float) -> None:
        """Make the next probe of the pause due, if there is a pause; stops are left as they are."""
        pause = self._policy.pause
        if pause is not None:
            pause.probe_at = min(pause.probe_at, now)

    # -- stops

    @property
    def stop_detail(self) -> str | None:
        """The detail of the earliest stop that has one, or None."""
        return next(filter(None, self._stops.values()), None)

    @property
    def stop_details(self) -> Mapping[PauseReason, str]:
        """The detail of each of ``stops``."""
        return {reason: detail for (reason, _), detail in reversed(self._stops.items())}

    def stop(self, reason: PauseReason, by: str = "", detail: str = "") -> bool:
        """Send nothing until ``go``: for reasons that are probed elsewhere (queue, store). True if the reason is new.

        Each caller, ``by``, lifts its own stop only: that reading works says nothing about writing.
        """
        news = reason not in self.stops
        self._stops[(reason, by)] = detail
        return news

    def go(self, reason: PauseReason, by: str = "") -> bool:
        """Lift a caller's stop. True if the reason is gone for all callers."""
        if (reason, by) not in self._stops:
            return False
        del self._stops[(reason, by)]
        return reason not in self.stops

    # -- going away

    def release(self, lane: str, now: float) -> None:
        """Let go of a lane's exports that are not in flight; an export in flight may finish, but is not tried again."""
        for export in self._queues.release(lane, now):
            self._policy.forget(export)

    def close(self) -> None:
        """Send nothing more; attempts in flight may finish."""
        self._closed = True
