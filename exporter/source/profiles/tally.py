"""What a transaction counts of its records: of each flow, dataset, hour and outcome, how many, how large, how old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

HOUR_MS: Final = 3_600_000
#: What is counted of an hour is kept for 90 days.
RUNS_KEPT_MS: Final = 90 * 24 * HOUR_MS
#: What a record may come to that did not fail: an event of a profile that was there, no news, an event of a new one,
#: or nothing for profiles. Others are reasons.
OUTPUT: Final = ("applied", "unchanged", "created", "aside")


def hour_of(taken: int) -> int:
    """When the hour began, in UTC, in which a record was taken; both in epoch milliseconds."""
    return taken - taken % HOUR_MS


class Part(msgspec.Struct, frozen=True, gc=False):
    """Records of one flow, dataset and hour that came to one outcome.

    Attributes:
        hour: see ``hour_of``.
        flow: the flow's id; empty where no flow counts the records.
        dataset: the dataset's id.
        outcome: one of ``OUTPUT``, or why the records failed.
        records: how many.
        bytes: of all of them, as they came.
        first: epoch milliseconds at which the first was taken.
        last: the same of the last.
        waited: milliseconds from being taken to being applied, of all of them together.
        fastest: the same of that which waited least.
        slowest: the same of that which waited longest.
        counted: epoch milliseconds at which the last of them was counted.
    """

    hour: int
    flow: str
    dataset: str
    outcome: str
    records: int
    bytes: int
    first: int
    last: int
    waited: int
    fastest: int
    slowest: int
    counted: int


class Fate(NamedTuple):
    """What became of one record, which was taken in the hour ``hour`` and had ``bytes`` bytes."""

    name: str
    hour: int
    flow: str
    dataset: str
    outcome: str
    bytes: int
    counted: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted.

    Attributes:
        counters: what is added to counters, by name.
        parts: records that are counted for the first time.
        failed: those among them that failed.
        again: records that have been counted before: they move to another outcome where they have one now.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    failed: Sequence[Fate] = ()
    again: Sequence[Fate] = ()
