"""A receiver that answers slowly: whether and how soon concurrency finds the rate that ``rate`` allows.

The receiver answers 429, at once, to requests beyond ``rate`` in any second; --tolerance raises that limit. With no
option: 5, 50 and 500 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.cores import core_for_the_daemon
from benchmarks.material import Events, report
from benchmarks.processes import until
from benchmarks.setting import setting

#: So many that a profile's turn comes rarely: the next change of a profile waits until the last change is answered.
PROFILES = 20_000
#: The share of the allowed rate, over one second, that counts as reached.
REACHED = 0.98


@dataclass(frozen=True)
class Ramp:
    """The settings of a run."""

    rate: int = 2_000
    concurrency: int = 1_500
    seconds: float = 40.0
    tolerance_percent: float = 0.0
    transport: str = "auto"

    @property
    def limit(self) -> int:
        """The most requests that the receiver takes in any second."""
        return round(self.rate * (1 + self.tolerance_percent / 100))


def ramp(latency_ms: float, how: Ramp, core: int | None) -> dict[str, Any]:
    """Deliver a backlog to a receiver of that latency for so many seconds; ``by second`` are the accepted requests."""
    with setting(core) as place:
        receiver = place.receiver("--delay", str(latency_ms / 1000), "--limit", str(how.limit))
        delivery = {"rate": how.rate, "concurrency": how.concurrency}
        place.destination("crm", receiver.port, how.transport, delivery=delivery)
        events = int(how.rate * how.seconds * 1.1) + 1
        asyncio.run(place.publish(Events().backlog(events, PROFILES)))
        daemon = place.daemon()
        until("the first request", lambda: daemon.runs() and receiver.count() > 0)
        begun, cpu = time.monotonic(), daemon.used.cpu_seconds()
        time.sleep(how.seconds)
        spent, took, stats = daemon.used.cpu_seconds() - cpu, time.monotonic() - begun, receiver.stats()
        accepted: list[int] = stats["accepted"]
        reached = seconds_until(accepted, REACHED * how.rate)
        # The last tenth is not whole.
        since = accepted[len(accepted) // 2 if reached is None else round(reached * 10) : -1]
        return {
            "allowed a second": float(how.rate),
            "seconds until it is reached": reached,
            "then, a second": 10 * sum(since) / max(1, len(since)),
            "answers 429": float(stats["refused"]),
            "most requests in a second": float(stats["most in a second"]),
            "connections": float(stats["connections"]),
            "daemon CPU % of a core": 100 * spent / took,
            "daemon peak RSS MB": daemon.used.peak_megabytes(),
            "by second": [sum(accepted[start : start + 10]) for start in range(0, len(accepted) - 9, 10)],
        }


def seconds_until(accepted: list[int], rate: float) -> float | None:
    """The end of the first second with ``rate`` accepted; ``accepted`` is by tenths of a second. None: never."""
    ends = range(10, len(accepted) + 1)
    return next((end / 10 for end in ends if sum(accepted[end - 10 : end]) >= rate), None)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, nargs="+", default=[5, 50, 500], metavar="MS", help="of the receiver")
    parser.add_argument("--rate", type=int, default=Ramp.rate, help="that is allowed (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=Ramp.concurrency, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=Ramp.seconds, help="of each (default: %(default)s)")
    parser.add_argument(
        "--tolerance", type=float, default=Ramp.tolerance_percent, help="%% of the rate (default: %(default)s)"
    )
    parser.add_argument("--transport", default=Ramp.transport, help="auto, lean or aiohttp (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    how = Ramp(
        options.rate,
        options.concurrency,
        options.seconds,
        tolerance_percent=options.tolerance,
        transport=options.transport,
    )
    numbers = {}
    with core_for_the_daemon() as core:
        for latency in options.latency:
            name = f"receiver takes {latency:g} ms"
            print(f"{name}: {how.seconds:g} s", file=sys.stderr)
            numbers[name] = ramp(latency, how, core)
    report("ramp", numbers, options.json)


if __name__ == "__main__":
    main()
