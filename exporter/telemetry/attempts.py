"""Single attempts, for whoever watches: every one while somebody looks, else only those that failed.

While nobody looks, a delivery pays for one look at ``DestinationAttempts.every``. What is kept is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import merge
from operator import itemgetter
from time import monotonic
from typing import Final, Literal, TypeAlias

import msgspec

from exporter.outbox.verdict import DeadLetterReason, PauseReason

#: How many deliveries of a destination are kept, and as many failures.
KEPT: Final = 50
#: For how long after a look every attempt is recorded.
LOOK_SECONDS: Final = 60.0

#: What followed: ``retry`` after ``retry_seconds``; ``paused``, and the export waits for the end of the pause;
#: ``let_go``: the event's lane was lost meanwhile, and its next reader attempts it anew.
Outcome: TypeAlias = Literal["delivered", "retry", "dead_letter", "paused", "let_go"]


class Attempt(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "event_id": "event",
        "profile_id": "profileId",
        "number": "attempt",
        "retry_seconds": "retrySeconds",
    },
):
    """An attempt that ended. Long ids are cut, and no text has a character that does not print.

    ``at`` is when it ended, in seconds since the epoch; ``number`` says which attempt of its export it was, from 1;
    ``replay`` whether it was one of a dead letter. ``status`` is None where no answer came, ``milliseconds`` where
    nothing was sent. ``failure`` says what failed, without personal data; None where nothing did. ``reason`` is that of
    the dead letter, or of the pause. ``answer`` is the beginning of an answer's body, where that was judged to be the
    event's fault: without secrets, but it may quote the profile.
    """

    at: float
    destination: str
    event_id: str
    profile_id: str
    number: int
    outcome: Outcome
    status: int | None = None
    milliseconds: float | None = None
    failure: str | None = None
    reason: DeadLetterReason | PauseReason | None = None
    retry_seconds: float | None = None
    replay: bool = False
    answer: str | None = None

    def __repr__(self) -> str:
        return f"Attempt({self.destination}, {self.outcome})"


#: Called with every attempt of a destination, and the body that was sent, or was to be.
Take: TypeAlias = Callable[[Attempt, bytes], None]


class DestinationAttempts:
    """The attempts of one destination.

    Attributes:
        every: whether deliveries are to be noted, too; failures always are.
        told: whether the log is to tell each attempt.
    """

    __slots__ = ("_clock", "_delivered", "_failed", "_noted", "_standing", "_takers", "_until", "every", "told")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """``clock`` never goes back, in seconds."""
        self._clock = clock
        self._noted = 0
        self._delivered: deque[tuple[int, Attempt]] = deque(maxlen=KEPT)
        self._failed: deque[tuple[int, Attempt]] = deque(maxlen=KEPT)
        self._takers: list[Take] = []
        self._until: float | None = None  # until when deliveries are noted for those who looked lately
        self._standing = False
        self.every = self.told = False

    def note(self, attempt: Attempt, body: bytes) -> None:
        """Keep the attempt, and show it to those who watch."""
        self._forget_looks()
        self._noted += 1
        if attempt.outcome != "delivered":
            self._failed.append((self._noted, attempt))
        elif self.every:
            self._delivered.append((self._noted, attempt))
        for take in tuple(self._takers):
            take(attempt, body)

    def latest(self) -> list[Attempt]:
        """The kept attempts, the latest first: at most ``KEPT`` deliveries, and as many failures."""
        self._forget_looks()
        return [attempt for _, attempt in merge(self._delivered, self._failed, key=itemgetter(0))][::-1]

    def look(self) -> None:
        """Note deliveries for ``LOOK_SECONDS`` from now on."""
        self._forget_looks()
        self._until = self._clock() + LOOK_SECONDS
        self._decide()

    def stand(self, *, kept: bool, told: bool) -> None:
        """Whether every attempt is noted though nobody looks: to be ``kept``, or ``told`` in the log."""
        self._standing, self.told = kept or told, told
        self._decide()

    def show_to(self, take: Take) -> None:
        """Show every attempt to ``take``, which must neither fail nor wait, until ``show_no_more``."""
        self._takers.append(take)
        self._decide()

    def show_no_more(self, take: Take) -> None:
        """Show no attempt to ``take`` any more."""
        self._takers.remove(take)
        self._decide()

    def _forget_looks(self) -> None:
        if self._until is not None and self._clock() >= self._until:
            self._until = None
            self._decide()

    def _decide(self) -> None:
        self.every = self._standing or bool(self._takers) or self._until is not None
        if not self.every:
            # The next look would show them as if nothing had been delivered in between.
            self._delivered.clear()


class Attempts:
    """The attempts of a process, by destination."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """``clock`` never goes back, in seconds."""
        self._clock = clock
        self._of: dict[str, DestinationAttempts] = {}
        self._watching: list[tuple[str | None, Take]] = []
        self._kept = self._told = False

    def of(self, destination: str) -> DestinationAttempts:
        """Those of ``destination``, which outlive its reloads."""
        found = self._of.get(destination)
        if found is None:
            found = self._of[destination] = DestinationAttempts(self._clock)
            found.stand(kept=self._kept, told=self._told)
            for wanted, take in self._watching:
                if wanted in (None, destination):
                    found.show_to(take)
        return found

    def forget(self, destination: str) -> None:
        """Drop those of a destination that is no longer configured."""
        self._of.pop(destination, None)

    def latest(self, destination: str) -> list[Attempt]:
        """The attempts that are kept, the latest first; a look, so that all are recorded for ``LOOK_SECONDS``.

        Empty where no such destination runs here: ``destination`` may be any text.
        """
        found = self._of.get(destination)
        if found is None:
            return []
        found.look()
        return found.latest()

    def keep_every(self) -> None:
        """Record every attempt from now on, as long as the process lives."""
        self._stand(kept=True, told=self._told)

    def tell_every(self, wanted: bool) -> None:
        """Whether the log is to tell every attempt from now on."""
        self._stand(kept=self._kept, told=wanted)

    @contextmanager
    def shown_to(self, take: Take, destination: str | None = None) -> Iterator[None]:
        """Show every attempt, of ``destination`` or of all, to ``take`` within the context.

        ``take`` is called between two steps of a dataflow: it must neither fail nor wait.
        """
        watching = destination, take
        self._watching.append(watching)
        for name, found in self._of.items():
            if destination in (None, name):
                found.show_to(take)
        try:
            yield
        finally:
            self._watching.remove(watching)
            for name, found in self._of.items():
                if destination in (None, name):
                    found.show_no_more(take)

    def _stand(self, *, kept: bool, told: bool) -> None:
        self._kept, self._told = kept, told
        for found in self._of.values():
            found.stand(kept=kept, told=told)
