"""The highest rate: a backlog that is delivered as fast as possible, alone and in rounds beside others."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import wrk
from benchmarks.brokers import NewQueue
from benchmarks.delivering import still_reading, watch
from benchmarks.drive import PROFILES, Drive, QueueSection
from benchmarks.material import Events
from benchmarks.pairs import A_CPU_SECOND, A_SECOND, across, compared
from benchmarks.results import Record, say
from benchmarks.setting import setting

_WRK_CONNECTIONS = 64
_OF_WRK = "of wrk"


def throughput(how: Drive, queue: QueueSection = None, delay_seconds: float = 0.0) -> dict[str, float]:
    """Deliver a backlog as fast as possible, to a receiver that takes ``delay_seconds`` for every answer."""
    with setting(how.core, queue) as place:
        receiver = place.receiver("--delay", str(delay_seconds))
        place.destination("crm", receiver.port, how.transport, **how.destination)
        asyncio.run(place.publish(Events(how.body).backlog(how.events, PROFILES)))
        numbers = watch(
            [place.daemon(from_source=how.from_source)], receiver, how.events, ending=still_reading(how.events)
        )
        return numbers | {"connections": float(receiver.stats()["connections"])}


@dataclass(frozen=True, slots=True)
class Run:
    """A throughput that is measured once in each round.

    ``beside`` names the other runs of the round that it is compared with, by what the ratio is called.
    """

    how: Drive
    new_queue: NewQueue
    beside: Mapping[str, str] = field(default_factory=dict)


def in_rounds(record: Record, runs: Mapping[str, Run], rounds: int) -> None:
    """Measure wrk and then all runs, again and again; the record gets the medians of each run and of its ratios.

    What fails is kept in the record, and costs no other round or run. Without wrk there is no ratio to wrk.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    ratios: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for number in range(1, rounds + 1):
        say(f"{record.name}: round {number} of {rounds}, after {record.seconds:.0f} s")
        best: Mapping[str, float] | None = None
        of_round: dict[str, dict[str, float]] = {}
        with record.survives("wrk"):
            best = _wrk(next(iter(runs.values())).how)
        for name, run in runs.items():
            with record.survives(name):
                of_round[name] = throughput(run.how, run.new_queue())
                found[name].append(of_round[name])
        for name, numbers in of_round.items():
            with record.survives(name):
                ratios[name].append(_ratios(numbers, best, runs[name].beside, of_round))
    record.numbers |= {name: across(found[name], ratios[name]) for name in runs if found[name]}


def _ratios(
    numbers: Mapping[str, float],
    best: Mapping[str, float] | None,
    beside: Mapping[str, str],
    of_round: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    ratios = {} if best is None else compared(_OF_WRK, numbers, best)
    for what, other in beside.items():
        if other in of_round:
            ratios |= compared(what, numbers, of_round[other])
    return ratios


def beside_wrk(how: Drive, queue: QueueSection = None) -> dict[str, float]:
    """The throughput, and its ratio to wrk's rate on the same core just before; no ratio without wrk."""
    best = _wrk(how)
    numbers = throughput(how, queue)
    return numbers | ({} if best is None else compared(_OF_WRK, numbers, best))


def _wrk(how: Drive) -> dict[str, float] | None:
    """The rates of wrk on the daemon's core; None where the machine has no wrk or no nginx."""
    if wrk.missing() is not None:
        return None
    with tempfile.TemporaryDirectory() as folder, wrk.nginx(Path(folder)) as url:
        best = wrk.measure(Path(folder), url, how.core, how.wrk_seconds, _WRK_CONNECTIONS)
    return {A_SECOND: best["requests a second"], A_CPU_SECOND: 1e6 / best["CPU us a request"]}
