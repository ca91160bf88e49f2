"""The results as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from benchmarks.brokers import KINDS
from benchmarks.material import LARGE
from benchmarks.pairs import BY_CPU
from benchmarks.plan import TRANSPORTS
from benchmarks.results import Record
from benchmarks.way_in.taking import FORMS, SERVERS

Records = Mapping[str, Record]
Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table; "not measured" where there are no rows."""
    if not rows:
        return "Not measured."
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands separated; a dash where nothing was measured."""
    return "–" if value is None else f"{value:,.{digits}f}"


def short(value: float | None) -> str:
    """A number with three digits or so."""
    if value is None:
        return "–"
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def of(records: Records, name: str, *keys: str) -> Any:
    """A number, or a group of numbers; None where nothing was measured."""
    found: Any = records[name].numbers if name in records else None
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def machine(records: Records) -> str:
    """The place and time of the measurements."""
    if not records:
        return "Not measured."
    first = min(records.values(), key=lambda record: record.at)
    what = ", ".join(f"{key} {value}" for key, value in first.machine.items() if key != "load")
    loads = sorted(float(record.machine["load"].split()[0]) for record in records.values())
    total = sum(record.seconds for record in records.values())
    return (
        f"{what}. From {first.at[:16].replace('T', ' ')} UTC, {total / 60:.0f} minutes altogether; "
        f"load when a measurement began: {loads[0]:.1f} to {loads[-1]:.1f}."
    )


def transports(records: Records) -> str:
    """The clients alone."""
    clients = of(records, "transports", "clients") or {}
    rates = {"wrk": 1.0} | {name: clients["ratios"][f"{name} of wrk"] for name in TRANSPORTS if clients}
    rows = [
        (name, number(each["requests a second"]), short(rates[name]), f"{short(each['CPU us a request'])} µs")
        for name, each in clients.items()
        if name in rates
    ]
    return table(("client", "requests a second", "of wrk", "CPU a request"), rows)


def pipeline(records: Records) -> str:
    """The cost of an event without HTTP."""
    paths = of(records, "pipeline", "paths") or {}
    rows = [
        (name, short(each["CPU us an event"]) + " µs", f"≤ {each['target']:.0f} µs") for name, each in paths.items()
    ]
    return table(("an event that is", "CPU", "target"), rows)


def stages(records: Records) -> str:
    """The cost of each stage alone."""
    found = of(records, "stages", "stages") or {}
    return table(("stage", "CPU"), [(name, f"{short(each)} µs") for name, each in found.items()])


def throughput(records: Records) -> str:
    """The highest rate and its cost, by queue, transport and body."""
    rows = []
    sources = tuple(f"{transport} from source" for transport in TRANSPORTS)
    for kind in KINDS:
        for transport in (*TRANSPORTS, f"lean, {LARGE.name} body", *sources):
            each = of(records, f"end to end {kind}", f"{transport}, throughput")
            if not each:
                continue
            rows.append(
                (
                    kind,
                    transport,
                    number(each["deliveries a second"]),
                    short(each.get("of wrk")),
                    number(each["deliveries a CPU second"]),
                    short(each["daemon CPU us a delivery"]) + " µs",
                    number(each["daemon CPU % of a core"]) + " %",
                    number(each["daemon peak RSS MB"]) + " MB",
                )
            )
    head = ("queue", "transport", "deliveries a second", "of wrk", "a CPU second")
    return table((*head, "CPU a delivery", "CPU of its core", "peak RSS"), rows)


def destinations(records: Records) -> str:
    """Many destinations in one daemon."""
    columns: Mapping[str, str] = MappingProxyType(
        {
            "ready after": "seconds until ready",
            "idle: CPU of a core": "idle CPU % of a core",
            "idle: RSS": "idle RSS MB",
            "deliveries a second": "deliveries a second",
            "CPU a delivery": "daemon CPU us a delivery",
            "CPU an event that one wants": "daemon CPU us an event that one wants",
            "peak RSS": "daemon peak RSS MB",
        }
    )
    units = ("s", "%", "MB", "", "µs", "µs", "MB")
    rows = [
        (count, *(f"{short(found[key])} {unit}".strip() for key, unit in zip(columns.values(), units, strict=True)))
        for count, found in (of(records, "destinations") or {}).items()
    ]
    return table(("destinations", *columns), rows)


def ramp(records: Records) -> str:
    """Receivers that answer slowly."""
    columns = ("allowed a second", "seconds until it is reached", "then, a second", "answers 429", "connections")
    extra = ("most requests in a second", "daemon peak RSS MB")
    rows = [
        (f"{ms} ms", *(short(found[key]) for key in (*columns, *extra)))
        for ms, found in (of(records, "ramp") or {}).items()
    ]
    return table(("receiver takes", *columns, *extra), rows)


def shards(records: Records) -> str:
    """Two shards against one."""
    found = of(records, "shards", "shards") or {}
    rows: list[Row] = [
        (
            name,
            number(found[name]["deliveries a second"]),
            number(found[name]["deliveries a CPU second"]),
            number(found[name]["daemon CPU % of a core"]) + " %",
            number(found[name]["receiver CPU % of a core"]) + " %",
            number(found[name]["daemon peak RSS MB"]) + " MB",
        )
        for name in ("one shard", "two shards")
        if found
    ]
    if found:
        times = found["times"]
        rows.append(("two of one", short(times["two of one"]), short(times.get(f"two of one{BY_CPU}")), *[""] * 3))
    head = ("", "deliveries a second", "a CPU second", "CPU of the daemons", "of the receiver", "peak RSS together")
    limit = found.get("share of a core for each", {}).get("%", 100)
    note = f"Each daemon was kept to {limit:.0f} % of its core.\n\n" if found and limit < 100 else ""
    return note + table(head, rows)


def taking(records: Records) -> str:
    """Records taken, by server and form of request."""
    rows = []
    for form in FORMS:
        for server in SERVERS:
            each = of(records, "taking", form, server)
            if each:
                figures = (number(each["taken a CPU second"]), number(each["taken a second"]))
                rows.append(
                    (
                        form,
                        server,
                        *figures,
                        f"{short(each['CPU us a record'])} µs",
                        f"{number(each['peak RSS MB'])} MB",
                    )
                )
    return table(("requests", "server", "records a CPU second", "a second", "CPU a record", "peak RSS"), rows)


def processing(records: Records) -> str:
    """Records processed, by the number of profiles."""
    rows = [
        (
            number(float(profiles)),
            number(each["processed a CPU second"]),
            number(each["processed a second"]),
            f"{short(each['CPU us a record'])} µs",
            number(each["bytes a profile"]),
            f"{number(each['peak RSS MB'])} MB",
        )
        for profiles, each in (of(records, "processing") or {}).items()
    ]
    return table(("profiles", "records a CPU second", "a second", "CPU a record", "bytes a profile", "peak RSS"), rows)


def chain(records: Records) -> str:
    """The whole way in under a steady stream."""
    columns = (
        "records a second",
        "published a second",
        "records behind at the end",
        "p50 ms",
        "p99 ms",
        "CPU us a record",
    )
    found = of(records, "chain") or {}
    rows = [
        (what, *(short(each[key]) for key in columns), f"{number(each['peak RSS MB'])} MB")
        for what, each in found.items()
    ]
    return table(("load", *columns, "peak RSS"), rows)


def _missing(records: Records) -> str:
    lines = [
        f"* {name}, {what}: {why}"
        for name, record in records.items()
        for what, why in (record.missing | record.failed).items()
    ]
    return "Not measured on this machine:\n\n" + "\n".join(lines) if lines else "Nothing was left out."


#: By the name of the place in ``README.md``.
TABLES: Mapping[str, Callable[[Records], str]] = MappingProxyType(
    {
        "machine": machine,
        "transports": transports,
        "pipeline": pipeline,
        "stages": stages,
        "throughput": throughput,
        "destinations": destinations,
        "ramp": ramp,
        "shards": shards,
        "taking": taking,
        "processing": processing,
        "chain": chain,
        "missing": _missing,
    }
)
