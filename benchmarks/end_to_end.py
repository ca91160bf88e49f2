"""Queue → daemon in a process of its own → receiver in a process of its own: rate, cost, latency and memory.

With no option the throughput from the journal is measured. The daemon has an exclusive core; the receiver, the
publisher and the broker share the rest. The receiver is ``lean_receiver.py``, so that the daemon is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.brokers import KINDS, Kind, NewQueue, running
from benchmarks.cores import core_for_the_daemon
from benchmarks.drive import Drive
from benchmarks.latency import isolation, latency
from benchmarks.material import BODIES, SMALL, medians, report
from benchmarks.processes import Failed
from benchmarks.throughput import beside_wrk, throughput


def main() -> None:
    """The command line."""
    options = _options()
    how = Drive(options.transport, options.backlog or options.events, BODIES[options.body])
    try:
        with (
            core_for_the_daemon() as core,
            tempfile.TemporaryDirectory() as folder,
            running(options.queue, Path(folder)) as new_queue,
        ):
            numbers = _measure(replace(how, core=core), new_queue, options)
    except Failed as failed:
        raise SystemExit(f"end to end, {options.queue}: {failed}") from failed
    report(f"end to end, {options.queue}", numbers, options.json)


def _measure(how: Drive, new_queue: NewQueue, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    measurements: dict[str, Callable[[], dict[str, float]]] = {}
    if options.latency:
        measurements["latency"] = lambda: latency(how, options.rate, options.seconds, new_queue())
    if options.isolation:
        share = options.rate / 4
        measurements["nine alone"] = lambda: isolation(how, share, options.seconds, dead=False)
        measurements["nine beside a dead tenth"] = lambda: isolation(how, share, options.seconds, dead=True)
    if options.slow:
        slow = replace(how, concurrency=512)
        measurements["receiver takes 200 ms"] = lambda: throughput(slow, new_queue(), 0.2)
    if options.backlog or not measurements:
        measurements[f"{how.events} waiting"] = lambda: beside_wrk(how, new_queue())
    numbers = {}
    for name, measure in measurements.items():
        runs = []
        for run in range(options.runs):
            print(f"{name}, run {run + 1} of {options.runs}", file=sys.stderr)
            runs.append(measure())
        numbers[name] = medians(runs)
    return numbers


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    queues: tuple[Kind, ...] = KINDS
    parser.add_argument("--queue", choices=queues, default="journal", help="default: %(default)s")
    parser.add_argument("--transport", default="auto", help="auto, lean or aiohttp (default: %(default)s)")
    parser.add_argument("--events", type=int, default=60_000, help="of a throughput run (default: %(default)s)")
    parser.add_argument("--body", choices=BODIES, default=SMALL.name, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=200, help="events a second of --latency (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of a latency run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="of each measurement; medians are shown")
    parser.add_argument("--backlog", type=int, metavar="EVENTS", help="throughput with so many events waiting")
    parser.add_argument("--slow", action="store_true", help="throughput to a receiver that takes 200 ms an answer")
    parser.add_argument("--latency", action="store_true", help="latency under a steady stream")
    parser.add_argument("--isolation", action="store_true", help="latency of nine, with and without a dead tenth")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
