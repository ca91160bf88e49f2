"""Records as ``python -m benchmarks`` writes them, with numbers that nobody measured."""

from __future__ import annotations

from typing import Any

from benchmarks.brokers import KINDS
from benchmarks.pairs import BY_CPU
from benchmarks.peer.beside import JOURNAL, KAFKA, OF_THE_PEER, PEER
from benchmarks.plan import SHARES_PERCENT, TRANSPORTS
from benchmarks.results import Record
from benchmarks.way_in.taking import FORMS, SERVERS

MACHINE = {"processor": "a processor", "cores": "2", "exporter": "compiled", "load": "0.1 0.2 0.3"}


def record(name: str, numbers: dict[str, Any]) -> Record:
    return Record(name, numbers, machine=MACHINE, at="2026-11-22T22:10:00+00:00", seconds=60.0)


def records() -> dict[str, Record]:
    """One of every measurement, complete, in which every target is met."""
    found = [
        record("transports", {"clients": _clients()}),
        record("pipeline", {"paths": {"delivered": {"CPU us an event": 20.0, "target": 35.0}}}),
        record("stages", {"stages": {"read": 1.5}}),
        *(record(f"end to end {kind}", _end_to_end(kind)) for kind in KINDS),
        record(
            "outliers",
            {
                "highest rate": _throughput(40_000.0),
                "runs": {"run 1": _counted(99.0, counts=False), "run 2": _counted(5.0)},
            },
        ),
        record("peer", _peer()),
        record("isolation", {"nine alone": _quantiles(1.0)}),
        record("destinations", {"1": _destinations(), "500": _destinations()}),
        record("ramp", {"500": _ramp()}),
        record("shards", {"shards": _shards()}),
        record("taking", {form: {server: _taken() for server in SERVERS} for form in FORMS}),
        record("processing", {"10000": _processed(), "1000000": _processed()}),
        record("chain", {"whole": _chained(), "half": _chained()}),
    ]
    return {each.name: each for each in found}


def _taken() -> dict[str, Any]:
    return {
        "taken a CPU second": 60_000.0,
        "taken a second": 50_000.0,
        "CPU us a record": 17.0,
        "peak RSS MB": 70.0,
    }


def _processed() -> dict[str, Any]:
    return {
        "processed a CPU second": 9_000.0,
        "processed a second": 4_000.0,
        "CPU us a record": 110.0,
        "bytes a profile": 2_000.0,
        "peak RSS MB": 150.0,
    }


def _chained() -> dict[str, Any]:
    return {
        "records a second": 3_600.0,
        "published a second": 3_600.0,
        "records behind at the end": 40.0,
        "p50 ms": 8.0,
        "p99 ms": 40.0,
        "CPU us a record": 220.0,
        "peak RSS MB": 150.0,
    }


def _clients() -> dict[str, Any]:
    client = {"requests a second": 100_000.0, "CPU us a request": 10.0}
    ratios = {"lean of wrk": 0.8, "aiohttp of wrk": 0.08, "lean of aiohttp": 10.0}
    return {"wrk": client, "lean": client, "aiohttp": client, "ratios": ratios_of(ratios)}


def ratios_of(ratios: dict[str, float], pairs: int = 7) -> dict[str, Any]:
    """Ratios with their spread, by CPU a twentieth higher than by wall time."""
    both = ratios | {f"{name}{BY_CPU}": ratio * 1.05 for name, ratio in ratios.items()}
    spread = {name: [ratio * 0.9, ratio * 1.1] for name, ratio in both.items()}
    return {**both, "spread": spread, "pairs": pairs}


def _peer() -> dict[str, Any]:
    client = {"deliveries a second": 30_000.0, "deliveries a CPU second": 31_000.0, "peak RSS MB": 400.0}
    exporter = {"deliveries a second": 60_000.0, "deliveries a CPU second": 65_100.0, "peak RSS MB": 90.0}
    exporter |= ratios_of({OF_THE_PEER: 2.0})
    return {PEER: client, JOURNAL: exporter, KAFKA: exporter}


def _end_to_end(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for transport, rate in zip(TRANSPORTS, (40_000.0, 8_000.0), strict=True):
        found[f"{transport}, throughput"] = _throughput(rate) | ratios_of({"of wrk": rate / 100_000})
        found |= {f"{transport}, {percent} %": _latency(rate * percent / 100) for percent in SHARES_PERCENT}
    beside = {"of aiohttp": 5.0} if kind == "journal" else {"of the journal": 0.98}
    found["lean, throughput"] |= ratios_of({"of wrk": 0.4} | beside)
    return found


def _throughput(rate: float) -> dict[str, float]:
    return {
        "deliveries a second": rate,
        "deliveries a CPU second": rate,
        "daemon CPU us a delivery": 1e6 / rate,
        "daemon CPU % of a core": 100.0,
        "receiver CPU % of a core": 25.0,
        "daemon peak RSS MB": 80.0,
    }


def _quantiles(milliseconds: float) -> dict[str, float]:
    return {f"{name} ms": milliseconds for name in ("p50", "p99", "p99.9")} | {"p99 ms of the slowest": milliseconds}


def _latency(rate: float) -> dict[str, float]:
    load = {"events a second": rate, "published a second": rate, "other cores busy, cores": 0.5}
    return load | _quantiles(5.0) | {"daemon peak RSS MB": 80.0}


def _counted(milliseconds: float, *, counts: bool = True) -> dict[str, float]:
    names = ("controls p99 ms", "publishing p99 ms", "p50 ms", "p99 ms", "p99.9 ms", "p99 with publishing ms")
    return {"counts": float(counts), **dict.fromkeys(names, milliseconds), "outliers": 1.0}


def _destinations() -> dict[str, float]:
    return {
        "seconds until ready": 1.0,
        "idle CPU % of a core": 1.0,
        "idle RSS MB": 100.0,
        "deliveries a second": 30_000.0,
        "daemon CPU us a delivery": 30.0,
        "daemon CPU us an event that one wants": 300.0,
        "daemon peak RSS MB": 150.0,
    }


def _ramp() -> dict[str, Any]:
    return {
        "allowed a second": 2_000.0,
        "seconds until it is reached": 6.5,
        "then, a second": 2_000.0,
        "answers 429": 0.0,
        "most requests in a second": 2_050.0,
        "connections": 1_000.0,
        "daemon peak RSS MB": 100.0,
        "by second": [10, 100, 1_000, 2_000],
    }


def _shards() -> dict[str, Any]:
    return {
        "one shard": _throughput(10_000.0),
        "two shards": _throughput(19_000.0),
        "times": ratios_of({"two of one": 1.9}),
        "share of a core for each": {"%": 40.0},
    }
