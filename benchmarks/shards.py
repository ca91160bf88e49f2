"""Two shards against one: whether a second core gives a second daemon's deliveries.

With four cores or more, each shard has a core for itself. With fewer, the receiver beside two busy daemons would be the
bottleneck; so each daemon is kept to a share of its core, a single daemon as well as two, and the rest is the
receiver's. A daemon that has used up its share is suspended until enough is earned, in steps of milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import nullcontext
from typing import Any

from benchmarks.cores import core_for_the_daemon
from benchmarks.delivering import still_reading, watch
from benchmarks.material import Events, report
from benchmarks.pairs import ENOUGH, across, compared
from benchmarks.setting import setting
from benchmarks.share_of_a_core import kept_to

DESTINATIONS = 4
EVENTS = 30_000
PROFILES = 2_000
SHARE = 0.4
_CORES_ENOUGH = 4


def shards(count: int, core: int | None, events: int = EVENTS, share: float | None = None) -> dict[str, float]:
    """Deliver a backlog to four destinations with so many shards, each kept to a share of its core unless None."""
    with setting(core) as place:
        receiver = place.receiver()
        for number in range(DESTINATIONS):
            place.destination(f"destination-{number}", receiver.port)
        asyncio.run(place.publish(Events().backlog(events, PROFILES)))
        cores = _cores(core)
        daemons = [
            place.daemon("--shard", f"{number}/{count}", cores=[cores[(number - 1) % len(cores)]])
            for number in range(1, count + 1)
        ]
        with nullcontext() if share is None else kept_to(share, [daemon.pid for daemon in daemons]):
            requests = events * DESTINATIONS
            return watch(daemons, receiver, requests, ending=still_reading(requests, DESTINATIONS))


def one_and_two(core: int | None, pairs: int = 1, events: int = EVENTS, share: float = SHARE) -> dict[str, Any]:
    """Measure a single shard, then two, several times; medians, and the ratio of two shards to a single shard."""
    limit = None if len(_cores(core)) >= _CORES_ENOUGH else share
    each = [(shards(1, core, events, limit), shards(2, core, events, limit)) for _ in range(pairs)]
    return {
        "one shard": across([one for one, _ in each], []),
        "two shards": across([two for _, two in each], []),
        "times": across([], [compared("two of one", two, one) for one, two in each]),
        "share of a core for each": {"%": 100 * (limit or 1.0)},
    }


def _cores(core: int | None) -> list[int | None]:
    """The cores that the shards get, in turn; ``[None]`` where processes can't be pinned."""
    if core is None:
        return [None]
    return [core, *sorted(os.sched_getaffinity(0), reverse=True)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS, help="for each destination (default: %(default)s)")
    parser.add_argument("--share", type=float, default=SHARE, help="of a core for each daemon (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=ENOUGH, help="medians are shown (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    print(f"{options.pairs} times one shard and two", file=sys.stderr)
    with core_for_the_daemon() as core:
        numbers = one_and_two(core, options.pairs, options.events, options.share)
    report("shards", numbers, options.json)


if __name__ == "__main__":
    main()
