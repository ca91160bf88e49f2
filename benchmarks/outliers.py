"""Latency at a steady rate, run after run, beside controls that only sleep: what is the machine's, and what is ours.

A run counts where 99 of 100 sleeps of either control were late by less than ``--control`` milliseconds. From each
event's latency the publisher's own call is taken off: the event is on the queue when that call returns. What is slower
than ``--limit`` all the same is told as outliers, stretches of time, each with how late the controls were meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.control import Control, control
from benchmarks.cores import core_for_the_daemon
from benchmarks.drive import Drive
from benchmarks.latency import Delivered, delivered_stream
from benchmarks.material import quantile, report

#: Slow events that are queued closer to each other than this belong to one outlier.
_APART_NS = 20_000_000


@dataclass(frozen=True, slots=True)
class Outlier:
    """Slow events in a row: when the first was queued and the last arrived (ns), how many, and the slowest."""

    begun: int
    ended: int
    events: int
    worst_seconds: float


def since_published(delivered: Sequence[Delivered], calls: Sequence[tuple[int, int]]) -> list[Delivered]:
    """The same without the time until the call that published each had returned, but never less than nothing."""
    begun = [call for call, _ in calls]
    own = []
    for each in delivered:
        call = bisect_right(begun, each.queued) - 1
        returned = calls[call][1] if call >= 0 else each.queued
        arrived = each.queued + round(each.seconds * 1e9)
        own.append(Delivered(returned, max(0, arrived - returned) / 1e9))
    return own


def outliers(delivered: Sequence[Delivered], limit_seconds: float) -> list[Outlier]:
    """The stretches in which events took longer than the limit."""
    found: list[Outlier] = []
    for each in sorted(delivered, key=lambda each: each.queued):
        if each.seconds <= limit_seconds:
            continue
        arrived = each.queued + round(each.seconds * 1e9)
        last = found[-1] if found else None
        if last is not None and each.queued - last.ended < _APART_NS:
            worst = max(last.worst_seconds, each.seconds)
            found[-1] = Outlier(last.begun, max(last.ended, arrived), last.events + 1, worst)
        else:
            found.append(Outlier(each.queued, arrived, 1, each.seconds))
    return found


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts: a control's p99, what an outlier is, and how many runs of how many seconds are wanted."""

    runs: int = 10
    seconds: float = 5.0
    control_seconds: float = 0.003
    limit_seconds: float = 0.01


def counted_runs(how: Drive, rate: float, terms: Terms) -> dict[str, dict[str, float]]:
    """As many runs that count as are wanted, or thrice as many runs; the numbers of each, in milliseconds."""
    numbers: dict[str, dict[str, float]] = {}
    counted = 0
    for run in range(1, 3 * terms.runs + 1):
        found = numbers[f"run {run}"] = _run(how, rate, terms)
        counted += int(found["counts"])
        counts = "" if found["counts"] else ", which does not count"
        print(f"run {run}{counts}: p99 {found['p99 ms']:.1f} ms", file=sys.stderr)
        if counted == terms.runs:
            break
    return numbers


def _run(how: Drive, rate: float, terms: Terms) -> dict[str, float]:
    with ExitStack() as stack:
        controls = [stack.enter_context(control(core)) for core in (how.core, None)]
        streamed = delivered_stream(how, rate, terms.seconds)
    calls = streamed.published.calls
    whole = [each for delivered in streamed.arrived.values() for each in delivered]
    own = since_published(whole, calls)
    seconds = [each.seconds for each in own]
    late = [
        quantile([sleep.late_seconds for sleep in each.between(calls[0][0], calls[-1][1])], 0.99) for each in controls
    ]
    found = outliers(own, terms.limit_seconds)
    for outlier in found:
        print(f"  {told(outlier, calls[0][0], controls)}", file=sys.stderr)
    return {
        "counts": float(max(late) < terms.control_seconds),
        "controls p99 ms": max(late) * 1e3,
        "publishing p99 ms": quantile([(ended - begun) / 1e6 for begun, ended in calls], 0.99),
        "p50 ms": quantile(seconds, 0.5) * 1e3,
        "p99 ms": quantile(seconds, 0.99) * 1e3,
        "p99.9 ms": quantile(seconds, 0.999) * 1e3,
        "p99 with publishing ms": quantile([each.seconds for each in whole], 0.99) * 1e3,
        "outliers": float(len(found)),
    }


def told(outlier: Outlier, begun: int, controls: Sequence[Control]) -> str:
    """An outlier for people; ``begun`` is when the run did (ns)."""
    late = [sleep.late_seconds for each in controls for sleep in each.between(outlier.begun, outlier.ended)]
    return (
        f"{outlier.events} events within {(outlier.ended - outlier.begun) / 1e6:.0f} ms, at "
        f"{(outlier.begun - begun) / 1e9:.2f} s: {outlier.worst_seconds * 1e3:.1f} ms at most, a control was late by "
        f"{max(late, default=0.0) * 1e3:.1f} ms"
    )


def main() -> None:
    """The command line."""
    wanted = Terms()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=25_000, help="events a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=wanted.seconds, help="of a run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=wanted.runs, help="that count (default: %(default)s)")
    parser.add_argument("--control", type=float, default=3, help="milliseconds (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=10, help="milliseconds (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    terms = Terms(options.runs, options.seconds, options.control / 1e3, options.limit / 1e3)
    with core_for_the_daemon() as core:
        numbers = counted_runs(Drive(core=core), options.rate, terms)
    report("outliers", numbers, options.json)


if __name__ == "__main__":
    main()
