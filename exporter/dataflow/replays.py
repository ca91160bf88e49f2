"""Replays: dead letters that were asked for, on the way from the store into the profile's queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.examine import Bug, examine
from exporter.dataflow.recorder import Recorder, RemoveLetter, UpdateLetter
from exporter.dataflow.stops import Stops
from exporter.messages.export import Export
from exporter.messages.message import Message
from exporter.profile.decision import Excluded
from exporter.profile.malformed import Malformed
from exporter.queues.port import Subscription
from exporter.state.letter import Letter, NewLetter
from exporter.state.port import StateUnavailable

POLL_SECONDS = 0.5
#: The most replays in hand at a time: few, because replays come on top of the window's events.
MOST = 100


class Replays:
    """The replays of a dataflow. A replay never goes through the queue, and keeps key and position."""

    def __init__(self, dependencies: Dependencies, recorder: Recorder, may_send: Callable[[], None]) -> None:
        self._dependencies = dependencies
        self._stops = Stops(dependencies, "replays", may_send)
        self._recorder = recorder
        self._may_send = may_send
        self._in_hand: dict[int, str] = {}  # letter id to lane
        self._foreign: dict[int, str] = {}  # letter id to place, of letters from a different queue
        self._subscription: Subscription | None = None

    async def run(self, subscription: Subscription) -> None:
        """Look for replays that were asked for, until cancelled; while the store cannot be read, nothing is sent."""
        self._subscription = subscription
        unreadable = False
        while True:
            await asyncio.sleep(POLL_SECONDS)
            room = MOST - len(self._in_hand)
            if room <= 0 and not unreadable:
                continue
            try:
                letters = await self._dependencies.letters.requested(max(0, room))
            except StateUnavailable as error:
                unreadable = True
                self._stops.stop("state", error.reason)
                continue
            unreadable = False
            self._stops.go("state")
            for letter in letters:
                if letter.id not in self._in_hand:
                    self._begin(letter, subscription)
            if letters:
                self._may_send()

    async def may_go(self, export: Export) -> bool:
        """Whether a replay may be attempted; to be asked before every attempt.

        A letter that was superseded, or whose lane was lost meanwhile, is not sent.
        """
        if export.letter is None:
            raise ValueError("not a replay")
        # The mark of a delivery that just ended may still be on the way into the store.
        await self._recorder.written()
        try:
            superseded = await self._dependencies.letters.superseded(export.letter)
        except StateUnavailable:
            # Not known, so nothing is sent; the request stands and is read again.
            superseded = True
        # The lane may have been lost meanwhile: then a different reader sends the letter.
        stays = superseded or export.released or self._is_anothers(export.letter)
        if stays:
            self.ended(export.letter)
        return not stays

    def ended(self, letter_id: int) -> None:
        """Forget a replay that was delivered, failed again, or is not sent."""
        self._in_hand.pop(letter_id, None)
        self._foreign.pop(letter_id, None)

    def let_go(self, lane: str) -> Collection[int]:
        """Forget the replays of a lost lane, which the outbox has let go of; return the ids of the letters."""
        gone = {letter_id for letter_id, at in self._in_hand.items() if at == lane}
        for letter_id in gone:
            self.ended(letter_id)
        return gone

    def _is_anothers(self, letter_id: int) -> bool:
        """Whether a letter of a different queue is for a different reader now; if so, let go of the letter.

        No lost lane takes such a letter along.
        """
        place = self._foreign.get(letter_id)
        if place is None or self._subscription is None or self._subscription.reads(None):
            return False
        self._dependencies.letters.let_go(place, {letter_id})
        return True

    def _begin(self, letter: Letter, subscription: Subscription) -> None:
        lane = self._dependencies.lane_at(letter.lane, subscription)
        foreign = lane is None
        if lane is None:
            lane = letter.lane.rpartition("/")[2]
            self._foreign[letter.id] = letter.lane
        self._in_hand[letter.id] = lane
        if not letter.body:
            # Only the queue could say what is wrong with an entry without an event, and did, in the letter's detail.
            self._fail(letter, "malformed", letter.detail)
            return
        message = Message(lane, letter.position, letter.body, letter.first_at, letter.event_id)
        match examine(message, self._dependencies):
            case Export() as export:
                export.letter = letter.id
                export.foreign = foreign
                export.first_at = letter.first_at
                export.attempts = letter.attempts
                self._dependencies.outbox.replay(export, self._dependencies.clock.monotonic())
            case Excluded(reason):
                # The event is excluded now, so there is nothing to deliver.
                self._dependencies.log.info("replay excluded", reason=reason)
                self._recorder.write(RemoveLetter(letter.id, lambda: self.ended(letter.id), excluded=True))
            case Malformed() as malformed:
                self._fail(letter, "malformed", str(malformed))
            case Bug(where):
                self._fail(letter, "bug", where)

    def _fail(self, letter: Letter, reason: str, detail: str) -> None:
        again = NewLetter(
            group=letter.group,
            lane=letter.lane,
            position=letter.position,
            destination=letter.destination,
            profile_id=letter.profile_id,
            event_id=letter.event_id,
            body=letter.body,
            reason="malformed" if reason == "malformed" else "bug",
            detail=detail,
            status=None,
            attempts=letter.attempts,
            first_at=letter.first_at,
            at=self._dependencies.clock.epoch(),
        )
        self._recorder.write(UpdateLetter(letter.id, again, lambda: self.ended(letter.id)))
