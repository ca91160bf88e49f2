"""Counts what became of the records of one transaction: for the profile store, and for the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from exporter.source.collection.taken import TakenRecord
from exporter.source.processing.places import Place
from exporter.source.profiles.merge.steps import Outcome
from exporter.source.profiles.tally import HOUR_MS, OUTPUT, Fate, Part, Tally, hour_of

_CAME_TO: Final[Mapping[Outcome, str]] = {
    Outcome.CREATED: "created",
    Outcome.TOLD: "applied",
    Outcome.UNCHANGED: "unchanged",
}
#: What the metrics call it, where that is not its name.
_BECAME: Final[Mapping[str, str]] = {"created": "applied"}


class _Sum:
    """A ``Part`` that grows; ``taken`` is the sum of the times at which its records were taken."""

    __slots__ = ("bytes", "first", "last", "records", "taken")

    def __init__(self, taken: int) -> None:
        self.records = self.bytes = self.taken = 0
        self.first = self.last = taken

    def part(self, key: tuple[int, str, str, str], now: int) -> Part:
        first, last = max(0, now - self.last), max(0, now - self.first)
        waited = max(0, now * self.records - self.taken)
        return Part(*key, self.records, self.bytes, self.first, self.last, waited, first, last, now)


class Tallying:
    """Counts ``places``, given the outcomes of those that have a step.

    Args:
        places: the records, and wishes, which are no records and not counted.
        counters: what else is counted in the transaction.
        epoch: reads epoch seconds.
    """

    def __init__(self, places: Sequence[Place], counters: Mapping[str, int], epoch: Callable[[], float]) -> None:
        self._places = places
        self._counters = counters
        self._epoch = epoch
        #: How many records of each flow came to applied, unchanged, aside or bad. Filled by each call anew.
        self.became: Mapping[tuple[str, str], int] = {}

    def __call__(self, outcomes: Sequence[Outcome]) -> Tally:
        now = int(self._epoch() * 1000)
        became: dict[tuple[str, str], int] = {}
        sums: dict[tuple[int, str, str, str], _Sum] = {}
        failed: list[Fate] = []
        again: list[Fate] = []
        following = iter(outcomes)
        flow = dataset = before = ""
        latest, came_to = Outcome.TOLD, _CAME_TO[Outcome.TOLD]
        begin = 0
        total = None
        for place in self._places:
            if place.step is not None:
                of_step = next(following)
                if of_step is not latest:  # to look for a member of an enum costs a call
                    latest, came_to = of_step, _CAME_TO[of_step]
                outcome = came_to
            else:
                bad = place.bad
                outcome = "aside" if bad is None else bad.reason
            record = place.taken
            if not isinstance(record, TakenRecord):
                if place.step is None:  # none of ours, so of no flow
                    became["", "bad"] = became.get(("", "bad"), 0) + 1
                continue
            taken = record.taken
            if record.again:
                again.append(_fate(record, outcome, now))
                _count(became, record.flow, outcome, 1)
                continue
            # Most records are counted where the one before was.
            if (
                total is None
                or outcome != before
                or not 0 <= taken - begin < HOUR_MS
                or record.flow != flow
                or record.dataset != dataset
            ):
                flow, dataset, before, begin = record.flow, record.dataset, outcome, hour_of(taken)
                key = begin, flow, dataset, outcome
                total = sums.get(key)
                if total is None:
                    total = sums[key] = _Sum(taken)
            total.records += 1
            total.bytes += len(record.body)
            total.taken += taken
            if taken > total.last:
                total.last = taken
            elif taken < total.first:
                total.first = taken
            if outcome not in OUTPUT:
                failed.append(_fate(record, outcome, now))
        for (_, flow, _, outcome), each in sums.items():
            _count(became, flow, outcome, each.records)
        self.became = became
        return Tally(self._counters, [each.part(key, now) for key, each in sums.items()], failed, again)


def _count(became: dict[tuple[str, str], int], flow: str, outcome: str, records: int) -> None:
    key = flow, _BECAME.get(outcome, outcome) if outcome in OUTPUT else "bad"
    became[key] = became.get(key, 0) + records


def _fate(record: TakenRecord, outcome: str, now: int) -> Fate:
    hour = hour_of(record.taken)
    return Fate(record.xaction_id, hour, record.flow, record.dataset, outcome, len(record.body), now)
