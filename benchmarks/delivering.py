"""The cost of delivering alone: a daemon watched between two moments at which only delivering went on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.processes import Failed, Receiver
from benchmarks.setting import Daemon
from exporter.settings.delivery import Window

#: The share of a backlog before which the daemon may still be starting, and concurrency growing.
BEGUN = 0.2
#: The share from which on some of several daemons or destinations may have nothing left to do.
ENDING = 0.95
#: How many events a dataflow reads, decides and builds ahead of delivery.
_WINDOW_EVENTS = Window().events
_EVERY_SECONDS = 0.02
#: A machine with other work may deliver 2,000 a second to 500 destinations.
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The progress at a time. All seconds but ``at`` are of CPU."""

    at: float
    requests: int
    daemon_seconds: float
    receiver_seconds: float


def still_reading(requests: int, dataflows: int = 1) -> float:
    """The share of a backlog from which on all has been read, so that the rest costs less to deliver.

    At least a half, by which a small backlog is measured all the same.
    """
    return max(0.5, min(ENDING, 1 - _WINDOW_EVENTS * dataflows / requests))


def watch(
    daemons: Sequence[Daemon], receiver: Receiver, requests: int, begun: float = BEGUN, ending: float = ENDING
) -> dict[str, float]:
    """Wait until so many requests came; the numbers between the shares ``begun`` and ``ending`` of the requests.

    So the start of the daemon, the first connections and the search for the right concurrency are left out; from 0 to 1
    all are included.

    Raises:
        Failed: a daemon ended, or took too long.
    """
    samples: list[Sample] = []
    latest = time.monotonic() + _PATIENCE_SECONDS
    while not samples or samples[-1].requests < requests:
        if time.monotonic() > latest:
            raise Failed(f"{samples[-1].requests} of {requests} requests came in {_PATIENCE_SECONDS:.0f} s")
        for daemon in daemons:
            daemon.runs()
        samples.append(_sample(daemons, receiver))
        time.sleep(_EVERY_SECONDS)
    return between(samples, requests, begun, ending) | {
        "daemon peak RSS MB": sum(each.used.peak_megabytes() for each in daemons)
    }


def _sample(daemons: Sequence[Daemon], receiver: Receiver) -> Sample:
    count = receiver.count()
    spent = sum(daemon.used.cpu_seconds() for daemon in daemons)
    return Sample(time.monotonic(), count, spent, receiver.used.cpu_seconds())


def between(samples: Sequence[Sample], requests: int, begun: float, ending: float) -> dict[str, float]:
    """The numbers between the first and the last sample that lie between the shares of so many requests.

    All samples count where those that lie there saw no request: few requests, or a watcher that got no core meanwhile.

    Raises:
        Failed: no two samples differ in their requests.
    """
    steady = [sample for sample in samples if begun <= sample.requests / requests <= ending]
    if not steady or steady[-1].requests == steady[0].requests:
        steady = list(samples)
    first, last = steady[0], steady[-1]
    if last.requests == first.requests:
        raise Failed(f"{requests} requests are too few to be watched")
    count, seconds = last.requests - first.requests, last.at - first.at
    cpu = last.daemon_seconds - first.daemon_seconds
    return {
        "deliveries": float(requests),
        "deliveries a second": count / seconds,
        "deliveries a CPU second": count / cpu if cpu else 0.0,
        "daemon CPU us a delivery": cpu / count * 1e6,
        "daemon CPU % of a core": 100 * cpu / seconds,
        "receiver CPU % of a core": 100 * (last.receiver_seconds - first.receiver_seconds) / seconds,
    }
