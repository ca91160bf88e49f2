"""The results in latencies, as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.brokers import KINDS
from benchmarks.plan import SHARES_PERCENT, TRANSPORTS
from benchmarks.tables import Records, number, of, short, table


def latency(records: Records) -> str:
    """The time that an event takes, by queue, transport and load."""
    rows = []
    for kind in KINDS:
        for transport in TRANSPORTS:
            for percent in SHARES_PERCENT:
                each = of(records, f"end to end {kind}", f"{transport}, {percent} %")
                if each:
                    quantiles = [short(each[f"{name} ms"]) for name in ("p50", "p99", "p99.9")]
                    load = (number(each["events a second"]), number(each["published a second"]))
                    busy = short(each["other cores busy, cores"])
                    memory = number(each["daemon peak RSS MB"]) + " MB"
                    rows.append((kind, transport, f"{percent} %", *load, *quantiles, busy, memory))
    head = ("queue", "transport", "load", "events a second", "published", "p50 ms", "p99 ms", "p99.9 ms")
    return table((*head, "other cores busy", "peak RSS"), rows)


def isolation(records: Records) -> str:
    """Nine destinations with and without a dead tenth."""
    each = of(records, "isolation") or {}
    names = ("p50 ms", "p99 ms", "p99.9 ms", "p99 ms of the slowest")
    return table(("", *names), [(what, *(short(found[name]) for name in names)) for what, found in each.items()])


def outliers(records: Records) -> str:
    """Runs at half of the highest rate beside controls, each with whether it counts."""
    columns = (
        "controls p99 ms",
        "publishing p99 ms",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "p99 with publishing ms",
        "outliers",
    )
    rows = [
        (run.removeprefix("run "), "yes" if each["counts"] else "no", *(short(each[column]) for column in columns))
        for run, each in (of(records, "outliers", "runs") or {}).items()
    ]
    return table(("run", "counts", *columns), rows)


#: By the name of the place in ``README.md``.
LATENCY_TABLES: Mapping[str, Callable[[Records], str]] = MappingProxyType(
    {"latency": latency, "isolation": isolation, "outliers": outliers}
)
