"""A client that forwards a backlog to nginx, measured for a while: the peer and the exporter alike."""

from __future__ import annotations

import re
import time
import urllib.request
from dataclasses import dataclass
from typing import Protocol

from benchmarks.processes import PATIENCE_SECONDS, Failed, Used, until

#: Deliveries after which a client counts as started.
_STARTED = 500
_EVERY_SECONDS = 0.02


class Client(Protocol):
    """A process that sends requests."""

    used: Used

    def runs(self) -> bool:
        """True while the process runs; raises Failed with what the process said when it has ended."""
        ...


class Answered:
    """The requests to an nginx of ``benchmarks.wrk`` since this was made, but for those that ask for the number."""

    def __init__(self, url: str) -> None:
        self._status = f"{url}status"
        self._others = self._all()

    def count(self) -> int:
        """How many there were so far."""
        # The question itself is one that nginx answers.
        self._others += 1
        return self._all() - self._others

    def _all(self) -> int:
        with urllib.request.urlopen(self._status, timeout=60) as answer:
            return requests(answer.read().decode("ascii"))


def requests(status: str) -> int:
    """The requests of a server in the text of nginx' ``stub_status``: the third of its totals.

    Raises:
        Failed: the text is another.
    """
    found = re.search(r"^server accepts handled requests\s+\d+\s+\d+\s+(\d+)\s*$", status, re.MULTILINE)
    if found is None:
        raise Failed(f"no status of nginx: {status[:200]}")
    return int(found[1])


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a client was. ``cpu_seconds`` is the CPU time of all its threads."""

    at: float
    delivered: int
    cpu_seconds: float


def measured(
    what: str, client: Client, answered: Answered, backlog: int, warm_seconds: float, seconds: float
) -> dict[str, float]:
    """What a client makes of a backlog within so many seconds, once it has delivered for ``warm_seconds``.

    Where nothing was delivered in that time, or no CPU time was seen, the measurement goes on until there is.

    Raises:
        Failed: the client has ended, delivers nothing for two minutes, or came to the end of the backlog.
    """
    until(f"{what} delivers", lambda: client.runs() and answered.count() >= _STARTED, every=_EVERY_SECONDS)
    time.sleep(warm_seconds)
    first = _moment(client, answered)
    time.sleep(seconds)
    last = _moment(client, answered)
    latest = time.monotonic() + PATIENCE_SECONDS
    while last.delivered == first.delivered or last.cpu_seconds == first.cpu_seconds:
        if last.delivered >= backlog or time.monotonic() > latest:
            break
        time.sleep(_EVERY_SECONDS)
        last = _moment(client, answered)
    client.runs()
    return between(what, first, last, backlog) | {"peak RSS MB": client.used.peak_megabytes()}


def _moment(client: Client, answered: Answered) -> Moment:
    return Moment(time.monotonic(), answered.count(), client.used.cpu_seconds())


def between(what: str, first: Moment, last: Moment, backlog: int) -> dict[str, float]:
    """The rates between two moments.

    Raises:
        Failed: the backlog had ended, or nothing happened in between.
    """
    if last.delivered >= backlog:
        raise Failed(f"{what}: the backlog of {backlog} ended before the measurement did; a longer one is needed")
    count, cpu = last.delivered - first.delivered, last.cpu_seconds - first.cpu_seconds
    if not count or not cpu:
        raise Failed(f"{what}: {count} deliveries and {cpu:g} s of CPU in {last.at - first.at:.1f} s")
    return {
        "deliveries a second": count / (last.at - first.at),
        "deliveries a CPU second": count / cpu,
        "CPU us a delivery": cpu / count * 1e6,
        "CPU % of a core": 100 * cpu / (last.at - first.at),
    }
