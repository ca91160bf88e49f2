"""What a dataflow depends on: everything is passed in, so that tests can pass in replacements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.auth.authorizer import Authorizer
from exporter.messages.message import Message
from exporter.outbox.outbox import Outbox
from exporter.profile.decision import Decision, Excluded
from exporter.profile.event.change import Change
from exporter.profile.malformed import Malformed
from exporter.profile.native.projector import Project
from exporter.queues.port import Queue, Start, Subscription
from exporter.state.dataflow_letters import DataflowLetters
from exporter.telemetry.attempts import DestinationAttempts
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import DestinationMetrics
from exporter.telemetry.pauses_told import PausesTold
from exporter.telemetry.tracing.port import DestinationTracing
from exporter.transport.port import Transport
from exporter.transport.requests.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the edge reads the time: ``monotonic`` for waits, ``epoch`` for times that are shown, both in seconds."""

    monotonic: Callable[[], float]
    epoch: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The collaborators of a dataflow.

    ``read`` may be shared by all dataflows of a process; ``decide`` and ``build`` are compiled from the destination's
    mapping. ``project`` does what these three do, but for unusual events; it is None where the build has no native
    projector. ``wait_delay(n)`` gives the seconds before try n, n from 0, of a call that must succeed in the end;
    ``queue_delay(n)`` does for the queue, and is never long, since the events of all destinations wait meanwhile.
    ``tracing`` is None where tracing is off; ``attempts`` are for whoever watches,
    ``pauses`` are those that the log has told of.
    """

    destination: str
    group: str
    start: Start
    queue: Queue
    letters: DataflowLetters
    transport: Transport
    authorizer: Authorizer
    read: Callable[[Message], Change | Excluded | Malformed]
    decide: Callable[[Change], Decision]
    build: Callable[[Change], bytes | Malformed]
    prepared: Prepared
    outbox: Outbox
    metrics: DestinationMetrics
    log: Log
    clock: Clock
    wait_delay: Callable[[int], float]
    queue_delay: Callable[[int], float]
    tracing: DestinationTracing | None = None
    project: Project | None = None
    attempts: DestinationAttempts = field(default_factory=DestinationAttempts)
    pauses: PausesTold = field(default_factory=PausesTold)

    def place(self, lane: str) -> str:
        """A lane's name in dead letters, with the queue's: a queue made anew begins at the same positions again."""
        return f"{self.queue.name}/{lane}"

    def lane_at(self, place: str, subscription: Subscription) -> str | None:
        """The lane of ``place``; None where the lane is of a different queue, or of a queue made anew since."""
        prefix = f"{self.queue.name}/"
        lane = place.removeprefix(prefix)
        return lane if place.startswith(prefix) and subscription.knows(lane) else None
