"""The targets, beside the measured numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.tables import Records, of, short, table


@dataclass(frozen=True, slots=True)
class Target:
    """A number with a bound; None where nothing was measured."""

    what: str
    bound: float
    found: float | None
    unit: str = ""
    at_least: bool = True

    @property
    def met(self) -> str:
        """The verdict, as the table shows it."""
        if self.found is None:
            return "not measured"
        return "yes" if (self.found >= self.bound if self.at_least else self.found <= self.bound) else "no"

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
    cost = "deliveries a CPU second"
    own = of(records, journal, lean, cost)
    brokers = {kind: of(records, f"end to end {kind}", lean, cost) for kind in ("redis", "kafka", "nats")}
    return [
        Target("lean alone, of wrk's rate", 0.6, of(records, *ratios, "lean of wrk")),
        Target("lean alone, times aiohttp's rate", 8, of(records, *ratios, "lean of aiohttp")),
        Target("journal to receiver, of wrk's rate", 0.28, of(records, journal, lean, "of wrk")),
        Target(
            "journal to receiver, times the rate with aiohttp",
            4,
            _divided(
                of(records, journal, lean, "deliveries a second"),
                of(records, journal, "aiohttp, throughput", "deliveries a second"),
            ),
        ),
        Target(
            "the same, latency at half of that rate, p99",
            10,
            of(records, journal, "lean, 50 %", "p99 ms"),
            " ms",
            False,
        ),
        *(
            Target(f"{kind}: deliveries a CPU second, of the journal's", 0.8, _divided(found, own))
            for kind, found in brokers.items()
            # The rate of NATS is stated, not demanded.
            if kind != "nats"
        ),
        Target(
            "receiver of 500 ms: until the allowed 2,000 a second",
            30,
            of(records, "ramp", "500", "seconds until it is reached"),
            " s",
            False,
        ),
        Target("receiver of 500 ms: answers 429", 0, of(records, "ramp", "500", "answers 429"), "", False),
        Target("two shards, times one", 1.7, of(records, "shards", "shards", "times", "two of one")),
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


def _divided(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other
