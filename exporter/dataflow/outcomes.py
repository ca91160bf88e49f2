"""How messages and exports end: delivered, excluded, or durably a dead letter; only then a message is settled.

Every end makes room, and may be the last that a drain waits for, so ``Outcomes`` reports each end.
"""

from __future__ import annotations

from collections.abc import Callable

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import Bug, Examined
from exporter.dataflow.letters import failure, letter_of_event, letter_of_export
from exporter.dataflow.noting import note
from exporter.dataflow.recorder import Recorder, RemoveLetter, StoreLetter, SupersedeLetters, UpdateLetter
from exporter.dataflow.replays import Replays
from exporter.dataflow.stops import tell_pauses
from exporter.messages.export import OVERHEAD_BYTES, Export
from exporter.messages.message import Message
from exporter.outbox.failure_policy import Pause
from exporter.outbox.next_steps import DeadLetter, Hold, Next, Settle
from exporter.outbox.verdict import DeadLetterReason, Judged
from exporter.profile.decision import Excluded
from exporter.profile.malformed import Malformed
from exporter.queues.port import Subscription
from exporter.state.letter import NewLetter


class Outcomes:
    """The outcomes of a dataflow.

    ``freed`` is called at each end; ``recorded`` where an end had to wait for the store, since the next export of the
    profile may go then.

    Attributes:
        subscription: where messages are settled, once the dataflow has subscribed.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        recorder: Recorder,
        replays: Replays,
        freed: Callable[[], None],
        recorded: Callable[[], None],
    ) -> None:
        self._dependencies = dependencies
        self._recorder = recorder
        self._replays = replays
        self._freed = freed
        self._recorded = recorded
        self._attempts = dependencies.attempts
        self._pauses = dependencies.pauses
        self._pause: Pause | None = None
        self.subscription: Subscription | None = None

    # -- messages, by the result of ``examine``

    def concluded(self, message: Message, examined: Examined) -> None:
        """Add an export to the outbox; settle an excluded message; store any other as a dead letter."""
        match examined:
            case Export():
                self._dependencies.outbox.add(examined, self._dependencies.clock.monotonic())
            case Excluded(reason):
                self._dependencies.metrics.excluded[reason].inc()
                self._settle(message)
            case Malformed():
                names = examined.profile_id, examined.event_id
                letter = letter_of_event(message, self._dependencies, "malformed", str(examined), *names)
                self._condemn(message, letter, examined.for_logs())
            case Bug(where, profile_id, event_id):
                letter = letter_of_event(message, self._dependencies, "bug", where, profile_id, event_id)
                self._condemn(message, letter, where)

    def _condemn(self, message: Message, letter: NewLetter, detail: str) -> None:
        """Store the dead letter of an event without an export: the letter needs no turn in the profile's queue.

        ``detail`` is the letter's without personal data, for the log.
        """
        size = len(message.body) + OVERHEAD_BYTES

        def stored() -> None:
            self._dependencies.outbox.put_away(size)
            self._count_dead_letter(letter, detail)
            self._settle(message)
            self._freed()

        # Else a store that fails would let a whole queue of malformed events into memory.
        self._dependencies.outbox.set_aside(size)
        self._recorder.write(StoreLetter(letter, stored))

    # -- exports, by what the outbox says is next after an attempt

    def attempted(self, export: Export, verdict: Judged, following: Next, round_trip: float) -> None:
        """Settle the export, store a dead letter, or leave the export where it stands, as ``following`` says.

        ``round_trip`` is how many seconds the attempt took, 0.0 where nothing was sent.
        """
        if self._attempts.every or not isinstance(following, Settle):
            note(export, verdict, following, round_trip, self._dependencies)
        match following:
            case Settle():
                self._delivered(export)
            case DeadLetter(reason):
                self._bury(export, verdict, reason)
            case Hold():
                self._failed(failure(verdict))
        if self._pauses.any or self._dependencies.outbox.pause is not None:
            self._tell_of_pauses()
        self._freed()

    def _delivered(self, export: Export) -> None:
        dependencies = self._dependencies
        now = dependencies.clock.epoch()
        dependencies.metrics.delivered.inc()
        dependencies.metrics.latency_seconds.observe(max(0.0, now - export.occurred_at))
        dependencies.metrics.history.succeeded_at = now
        message = export.message
        if self._recorder.concerns(export.profile_id) and not export.foreign:
            place = dependencies.place(message.lane)
            self._recorder.write(
                SupersedeLetters(export.profile_id, place, message.position, lambda: self._marked(export))
            )
        else:
            self._settle_export(export)
        if export.letter is not None:
            self._recorder.write(RemoveLetter(export.letter, self._recorded))

    def _marked(self, export: Export) -> None:
        self._settle_export(export)
        # The mark may be the last that a lost lane waits for.
        self._freed()

    def _bury(self, export: Export, verdict: Judged, reason: DeadLetterReason) -> None:
        letter = letter_of_export(export, self._dependencies, reason, verdict)
        self._failed(letter.detail)

        def stored() -> None:
            if export.letter is None:
                self._count_dead_letter(letter, letter.detail)
            self._dependencies.outbox.stored(export, self._dependencies.clock.monotonic())
            self._settle_export(export)
            self._recorded()

        if export.letter is None:
            self._recorder.write(StoreLetter(letter, stored))
        else:
            self._recorder.write(UpdateLetter(export.letter, letter, stored))

    def _count_dead_letter(self, letter: NewLetter, detail: str) -> None:
        self._dependencies.metrics.dead_lettered.inc()
        self._dependencies.log.warning(
            "dead letter",
            reason=letter.reason,
            detail=detail,
            status=letter.status,
            attempts=letter.attempts,
            event_id=letter.event_id,
            position=letter.position,
        )

    def _tell_of_pauses(self) -> None:
        pause = self._dependencies.outbox.pause
        if pause is not None and pause is not self._pause:
            self._failed(pause.detail)
        self._pause = pause
        tell_pauses(self._dependencies)

    def _failed(self, detail: str) -> None:
        self._dependencies.metrics.history.failed(detail, self._dependencies.clock.epoch())

    # -- settled

    def _settle_export(self, export: Export) -> None:
        # The event of a replay was settled when the dead letter was stored.
        if export.letter is None:
            self._settle(export.message)
        else:
            self._replays.ended(export.letter)

    def _settle(self, message: Message) -> None:
        if self.subscription is not None:
            self.subscription.settle(message)
