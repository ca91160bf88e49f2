"""The targets, beside the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pairs import BY_CPU, ENOUGH
from benchmarks.peer.beside import JOURNAL, KAFKA, OF_THE_PEER
from benchmarks.tables import Records, of, short, table


@dataclass(frozen=True, slots=True)
class Target:
    """A number with a bound; None where nothing was measured."""

    what: str
    bound: float
    found: float | None
    unit: str = ""
    at_least: bool = True
    #: Of a ratio: whether there were fewer pairs than a claim needs.
    few_pairs: bool = False

    @property
    def met(self) -> str:
        """The verdict, as the table shows it."""
        if self.found is None:
            return "not measured"
        met = self.found >= self.bound if self.at_least else self.found <= self.bound
        return ("yes" if met else "no") + (", of too few pairs" if self.few_pairs else "")

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        sign = "≥" if self.at_least else "≤"
        found = "–" if self.found is None else f"{short(self.found)}{self.unit}"
        return self.what, f"{sign} {self.bound:g}{self.unit}", found, self.met


def targets(records: Records) -> str:
    """The table of targets."""
    return table(("", "target", "measured", "met"), [target.row() for target in _targets(records)])


def _targets(records: Records) -> Sequence[Target]:
    ratios = ("transports", "clients", "ratios")
    journal, lean = "end to end journal", "lean, throughput"
    return [
        _ratio("lean alone, of wrk's rate", 0.6, of(records, *ratios), "lean of wrk"),
        _ratio("lean alone, times aiohttp's rate", 8, of(records, *ratios), "lean of aiohttp"),
        _ratio("journal to receiver, of wrk's rate", 0.28, of(records, journal, lean), "of wrk"),
        _ratio("journal to receiver, times the rate with aiohttp", 4, of(records, journal, lean), "of aiohttp"),
        Target("latency at half of that rate, p99, the worst run that counts", 10, _worst(records), " ms", False),
        *(
            _ratio(
                f"{kind}: deliveries a CPU second, of the journal's",
                0.8,
                of(records, f"end to end {kind}", lean),
                f"of the journal{BY_CPU}",
            )
            # The rate of NATS is stated, not demanded.
            for kind in ("redis", "kafka")
        ),
        *(
            _ratio(f"compiled, from {words}, times the peer's rate", bound, _compiled(records, queue), OF_THE_PEER)
            for queue, words, bound in ((JOURNAL, "the journal", 1.5), (KAFKA, "Kafka", 1.3))
        ),
        Target(
            "receiver of 500 ms: until the allowed 2,000 a second",
            30,
            of(records, "ramp", "500", "seconds until it is reached"),
            " s",
            False,
        ),
        Target("receiver of 500 ms: answers 429", 0, of(records, "ramp", "500", "answers 429"), "", False),
        _ratio("two shards, times one", 1.7, of(records, "shards", "shards", "times"), "two of one"),
        Target("500 destinations idle, RSS", 300, of(records, "destinations", "500", "idle RSS MB"), " MB", False),
        Target(
            "500 destinations idle, CPU", 5, of(records, "destinations", "500", "idle CPU % of a core"), " %", False
        ),
        *_way_in(records),
    ]


def _way_in(records: Records) -> Sequence[Target]:
    rate, chain = "processed a CPU second", ("chain", "whole")
    many = ("processing", "1000000")
    return [
        Target("taken a CPU second, single", 20_000, of(records, "taking", "single", "ours", "taken a CPU second")),
        Target("taken a CPU second, batches", 50_000, of(records, "taking", "batches", "ours", "taken a CPU second")),
        Target("processed a CPU second, 10,000 profiles", 8_000, of(records, "processing", "10000", rate)),
        Target("processed a CPU second, 1 M profiles", 5_000, of(records, *many, rate)),
        Target("processed a second, 1 M profiles", 2_500, of(records, *many, "processed a second")),
        Target("taken and published a second", 3_500, of(records, *chain, "published a second")),
        Target("the same, answer, p99", 100, of(records, *chain, "p99 ms"), " ms", False),
        Target("the same, RSS", 200, of(records, *chain, "peak RSS MB"), " MB", False),
    ]


def _worst(records: Records) -> float | None:
    """The highest p99, in milliseconds, of the runs that count."""
    runs = of(records, "outliers", "runs") or {}
    return max((run["p99 ms"] for run in runs.values() if run["counts"]), default=None)


def _compiled(records: Records, queue: str) -> Any:
    """The numbers beside the peer; None where the exporter that was measured was plain Python."""
    compiled = "peer" in records and records["peer"].machine.get("exporter") == "compiled"
    return of(records, "peer", queue) if compiled else None


def _ratio(what: str, bound: float, numbers: Mapping[str, Any] | None, name: str) -> Target:
    """A target of the ratio of that name, the median of some pairs."""
    found = (numbers or {}).get(name)
    return Target(what, bound, found, few_pairs=(numbers or {}).get("pairs", 0) < ENOUGH)
