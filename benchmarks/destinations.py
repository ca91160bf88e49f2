"""Many destinations in a daemon on a journal: the cost of each when idle, and of events for all or for one.

With no option: 1, 10, 100 and 500 destinations.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from benchmarks.cores import core_for_the_daemon
from benchmarks.delivering import watch
from benchmarks.material import SMALL, Events, report
from benchmarks.processes import until
from benchmarks.setting import Daemon, Setting, setting

COUNTS = (1, 10, 100, 500)
PROFILES = 2_000
DELIVERIES = 60_000
#: When a fifth of these events is delivered, each destination has ended the search for its own concurrency.
LEAST_EVENTS = 600
#: Pairs of event and destination where one destination wants the event and the rest exclude the event.
PAIRS = 400_000
IDLE_SECONDS = 5.0
#: After the start, before the daemon counts as idle.
_SETTLE_SECONDS = 2.0
#: The first destination maps this attribute too.
_FOR_ONE = "loyalty.points"


def destinations(
    count: int, core: int | None, deliveries: int = DELIVERIES, pairs: int = PAIRS, idle_seconds: float = IDLE_SECONDS
) -> dict[str, float]:
    """Start so many destinations, leave all idle, then publish events for all, and then for the first."""
    with setting(core) as place:
        receiver = place.receiver()
        for number in range(count):
            mapped = [*SMALL.mapping["attributes"], *([] if number else [_FOR_ONE])]
            place.destination(f"destination-{number}", receiver.port, attributes=mapped)
        begun = time.monotonic()
        daemon = place.daemon()
        daemon.ready()
        ready = time.monotonic() - begun
        time.sleep(_SETTLE_SECONDS)
        before = daemon.used.cpu_seconds()
        time.sleep(idle_seconds)
        idle = (daemon.used.cpu_seconds() - before) / idle_seconds
        idle_megabytes = daemon.used.megabytes()

        events = max(LEAST_EVENTS, deliveries // count)
        asyncio.run(place.publish_at_once(Events().backlog(events, PROFILES)))
        # The whole backlog: most events of so many windows are read and built before the first tenth is delivered.
        to_all = watch([daemon], receiver, events * count, begun=0.0, ending=1.0)
        to_one = _wanted_by_one(place, daemon, events, max(LEAST_EVENTS, min(deliveries, pairs // count)))
        return {
            "seconds until ready": ready,
            "idle CPU % of a core": 100 * idle,
            "idle RSS MB": idle_megabytes,
            "deliveries a second": to_all["deliveries a second"],
            "daemon CPU us a delivery": to_all["daemon CPU us a delivery"],
            "daemon CPU us an event that one wants": to_one,
            "daemon peak RSS MB": daemon.used.peak_megabytes(),
        }


def _wanted_by_one(place: Setting, daemon: Daemon, already: int, events: int) -> float:
    """CPU microseconds of the daemon for an event, until every destination is done with all events."""

    def done() -> bool:
        flows = daemon.status()
        return daemon.runs() and all(
            flow["received"] == already + events and not flow["window_events"] for flow in flows
        )

    before = daemon.used.cpu_seconds()
    asyncio.run(place.publish_at_once(Events(fires=False).backlog(events, PROFILES)))
    until("every destination has read all events", done, every=0.2)
    return (daemon.used.cpu_seconds() - before) / events * 1e6


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=COUNTS, help="of destinations")
    parser.add_argument("--deliveries", type=int, default=DELIVERIES, help="of events for all (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    numbers = {}
    with core_for_the_daemon() as core:
        for count in options.count:
            print(f"{count} destinations", file=sys.stderr)
            numbers[str(count)] = destinations(count, core, options.deliveries)
    report("destinations", numbers, options.json)


if __name__ == "__main__":
    main()
