"""What became of all records of a run, or of a batch: the sum of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from exporter.source.profiles.tally import HOUR_MS, OUTPUT, Part


@dataclass(frozen=True, slots=True)
class Sums:
    """The sum. Bytes are of the records as they came, times epoch milliseconds.

    Attributes:
        output: records that did not fail.
        created: those of them that made a profile, which was told.
        updated: those that changed a profile that was there, which was told.
        failed: how many failed, by reason.
        input_bytes: of all records.
        output_bytes: of those that did not fail.
        first: when the first was taken.
        last: when the last was taken.
        fastest: milliseconds from being taken to being applied, of the record that waited least.
        slowest: the same of the record that waited longest.
        average: the same of all, divided by how many there are.
        counted: when the last was counted.
    """

    output: int
    created: int
    updated: int
    failed: Mapping[str, int]
    input_bytes: int
    output_bytes: int
    first: int
    last: int
    fastest: int
    slowest: int
    average: int
    counted: int

    @property
    def failures(self) -> int:
        """How many records failed."""
        return sum(self.failed.values())

    @property
    def input(self) -> int:
        """How many records there are."""
        return self.output + self.failures


def sums_of(parts: Sequence[Part]) -> Sums:
    """The sum of parts, of which there is at least one."""
    failed: dict[str, int] = {}
    for each in parts:
        if each.outcome not in OUTPUT:
            failed[each.outcome] = failed.get(each.outcome, 0) + each.records
    good = [each for each in parts if each.outcome in OUTPUT]
    records = sum(each.records for each in parts)
    return Sums(
        output=sum(each.records for each in good),
        created=sum(each.records for each in good if each.outcome == "created"),
        updated=sum(each.records for each in good if each.outcome == "applied"),
        failed=failed,
        input_bytes=sum(each.bytes for each in parts),
        output_bytes=sum(each.bytes for each in good),
        first=min(each.first for each in parts),
        last=max(each.last for each in parts),
        fastest=min(each.fastest for each in parts),
        slowest=max(each.slowest for each in parts),
        average=sum(each.waited for each in parts) // max(1, records),
        counted=max(each.counted for each in parts),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """The records of a flow that were taken in the hour that began at ``hour``, in epoch milliseconds."""

    hour: int
    flow: str
    parts: tuple[Part, ...]

    def is_open(self, now: int) -> bool:
        """Whether records may still be taken for it at ``now``, in epoch milliseconds."""
        return now < self.hour + HOUR_MS

    def by_dataset(self) -> Iterator[tuple[str, Sums]]:
        """The same by dataset: a flow has one, unless its messages name others."""
        for dataset in dict.fromkeys(each.dataset for each in self.parts):
            yield dataset, sums_of([each for each in self.parts if each.dataset == dataset])


def runs_in(parts: Sequence[Part]) -> Iterator[Run]:
    """The runs of parts that stand together by hour and flow."""
    for (hour, flow), some in groupby(parts, lambda part: (part.hour, part.flow)):
        yield Run(hour, flow, tuple(some))
