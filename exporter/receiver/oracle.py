"""The oracle: what a record proves about lost, repeated, overtaken and concurrent exports. Pure.

Every event of a test carries the profile and a number that grows within the profile, in mapped attributes, so that the
body of a request tells which state it holds (contract.md#guarantees, 1 to 3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from exporter.receiver.reception import Reception


class State(NamedTuple):
    """A state of a profile: the event with the number ``sequence``."""

    profile: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The findings for a destination.

    * ``lost``: sent, but neither accepted (answered 2xx) nor dead-lettered.
    * ``unexpected``: accepted or dead-lettered, but not sent.
    * ``duplicates``: requests with an ``Idempotency-Key`` that had been accepted before.
    * ``after_no_answer``: requests that repeat a request that was never answered and may have been processed twice.
    * ``rekeyed``: states that were accepted again under a different key.
    * ``overtaken``: (older, newer) where the older state was first accepted after the newer state was.
    * ``concurrent``: (earlier, later) of the same profile in flight at once, where the earlier request got an answer
      after the later request had come. A request that never got an answer proves nothing: the sender had given up.
    * ``both``: accepted and dead-lettered.
    """

    sent: int
    delivered: int
    dead_lettered: int
    lost: tuple[State, ...]
    unexpected: tuple[State, ...]
    duplicates: int
    after_no_answer: int
    rekeyed: tuple[State, ...]
    overtaken: tuple[tuple[State, State], ...]
    concurrent: tuple[tuple[State, State], ...]
    both: tuple[State, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing contradicts the guarantees; duplicates under an equal key do not."""
        return not (self.lost or self.unexpected or self.rekeyed or self.overtaken or self.concurrent)

    def __str__(self) -> str:
        return (
            f"sent {self.sent}, delivered {self.delivered}, dead-lettered {self.dead_lettered}, "
            f"duplicates {self.duplicates} (and {self.after_no_answer} after no answer), "
            f"lost {_some(self.lost)}, unexpected {_some(self.unexpected)}, rekeyed {_some(self.rekeyed)}, "
            f"overtaken {_some(self.overtaken)}, concurrent {_some(self.concurrent)}, both {_some(self.both)}"
        )


def judge(
    sent: Iterable[State],
    received: Iterable[Reception],
    dead_letters: Iterable[State] = (),
    *,
    identify: Callable[[Reception], State | None],
) -> Judgement:
    """Judge a destination.

    Args:
        sent: the states that must be exported: the caller leaves out states that the mapping excludes.
        received: the requests that the destination's endpoint received, in any order.
        dead_letters: the states among the destination's dead letters.
        identify: reads the state from a request; requests without a state (None) are left out.
    """
    must = set(sent)
    dead = set(dead_letters)
    requests = sorted(
        ((state, reception) for reception in received if (state := identify(reception)) is not None),
        key=lambda pair: pair[1].arrived,
    )
    accepted = {state for state, reception in requests if reception.accepted}
    duplicates, after_no_answer = _repeated(requests)
    return Judgement(
        sent=len(must),
        delivered=len(accepted),
        dead_lettered=len(dead),
        lost=tuple(sorted(must - accepted - dead)),
        unexpected=tuple(sorted((accepted | dead) - must)),
        duplicates=duplicates,
        after_no_answer=after_no_answer,
        rekeyed=_rekeyed(requests),
        overtaken=_overtaken(requests),
        concurrent=_concurrent(requests),
        both=tuple(sorted(accepted & dead)),
    )


_Requests = list[tuple[State, Reception]]


def _repeated(requests: _Requests) -> tuple[int, int]:
    accepted: set[str] = set()
    unanswered: set[str] = set()
    duplicates = after_no_answer = 0
    for _, reception in requests:
        key = reception.idempotency_key
        if key is None:
            continue
        if key in accepted:
            duplicates += 1
        elif key in unanswered:
            after_no_answer += 1
        if reception.accepted:
            accepted.add(key)
        # Only the answer to the last request of a key says how much the sender knows.
        if reception.answered:
            unanswered.discard(key)
        else:
            unanswered.add(key)
    return duplicates, after_no_answer


def _rekeyed(requests: _Requests) -> tuple[State, ...]:
    keys: dict[State, set[str | None]] = defaultdict(set)
    for state, reception in requests:
        if reception.accepted:
            keys[state].add(reception.idempotency_key)
    return tuple(sorted(state for state, names in keys.items() if len(names) > 1))


def _overtaken(requests: _Requests) -> tuple[tuple[State, State], ...]:
    newest: dict[str, State] = {}
    seen: set[State] = set()
    found: list[tuple[State, State]] = []
    for state, reception in requests:
        if not reception.accepted or state in seen:
            continue
        seen.add(state)
        before = newest.get(state.profile)
        if before is not None and before.sequence > state.sequence:
            found.append((state, before))
        else:
            newest[state.profile] = state
    return tuple(found)


def _concurrent(requests: _Requests) -> tuple[tuple[State, State], ...]:
    longest: dict[str, tuple[int, State]] = {}
    found: list[tuple[State, State]] = []
    for state, reception in requests:
        until = longest.get(state.profile)
        if until is not None and until[0] > reception.arrived:
            found.append((until[1], state))
        if reception.answered and (until is None or reception.ended > until[0]):
            longest[state.profile] = (reception.ended, state)
    return tuple(found)


def _some(states: tuple[object, ...]) -> str:
    """A count, and the first few."""
    return f"{len(states)} {list(states[:5])}" if states else "0"
