"""The measurements of ``python -m benchmarks``: their order, and the length of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from benchmarks import brokers
from benchmarks.destinations import destinations
from benchmarks.drive import Drive
from benchmarks.latency import isolation, latency
from benchmarks.material import medians
from benchmarks.pipeline import pipeline
from benchmarks.ramp import Ramp, ramp
from benchmarks.results import Record
from benchmarks.shards import one_and_two
from benchmarks.stages import stages
from benchmarks.throughput import beside_wrk
from benchmarks.transports import transports
from benchmarks.way_in.chain import chain
from benchmarks.way_in.processing import in_a_process
from benchmarks.way_in.taking import FORMS, taking
from exporter.telemetry.compilation import compiled

SIZE_BYTES = 1_000
TRANSPORTS = ("lean", "aiohttp")
#: The shares of the highest measured rate at which latency is measured.
SHARES_PERCENT = (10, 50, 90)


@dataclass(frozen=True)
class Scale:
    """The extent of every measurement. Seconds are of a single run."""

    name: str = "full"
    runs: int = 3
    transport_seconds: float = 3.0
    pipeline_events: int = 50_000
    #: Waiting events of a throughput run.
    lean_backlog: int = 60_000
    aiohttp_backlog: int = 30_000
    wrk_seconds: float = 2.0
    transports: tuple[str, ...] = TRANSPORTS
    shares_percent: tuple[int, ...] = SHARES_PERCENT
    warm_seconds: float = 1.5
    latency_seconds: float = 5.0
    isolation_rate: float = 50.0
    isolation_seconds: float = 10.0
    destinations: tuple[int, ...] = (1, 10, 100, 500)
    deliveries: int = 60_000
    pairs: int = 400_000
    idle_seconds: float = 5.0
    #: Receivers: milliseconds of each answer, and seconds of the run.
    ramps: tuple[tuple[float, float], ...] = ((5, 12.0), (50, 12.0), (500, 40.0))
    shard_events: int = 30_000
    taking_seconds: float = 3.0
    processed_records: int = 20_000
    #: Profiles that are there before the first record is processed.
    stores: tuple[int, ...] = (10_000, 1_000_000)
    chain_rate: float = 3_500.0
    chain_seconds: float = 30.0


FULL = Scale()
QUICK = replace(
    FULL,
    name="quick",
    runs=1,
    transport_seconds=1.0,
    pipeline_events=10_000,
    lean_backlog=30_000,
    aiohttp_backlog=15_000,
    latency_seconds=2.0,
    isolation_seconds=3.0,
    destinations=(1, 100),
    deliveries=20_000,
    pairs=100_000,
    idle_seconds=2.0,
    ramps=((5, 4.0), (500, 15.0)),
    shard_events=10_000,
    taking_seconds=1.0,
    processed_records=5_000,
    stores=(5_000,),
    chain_seconds=3.0,
)

#: Fills a record; the core is the daemon's.
Measurement = Callable[[Record, Scale, int | None], None]


def measure_transports(record: Record, scale: Scale, core: int | None) -> None:
    """wrk, lean and aiohttp against the same nginx."""
    record.attempt("clients", lambda: transports(scale.transport_seconds, 64, scale.runs, core))


def measure_pipeline(record: Record, scale: Scale, core: int | None) -> None:  # noqa: ARG001 - it is one process
    """The cost of an event without HTTP."""
    record.attempt("paths", lambda: pipeline(scale.pipeline_events, SIZE_BYTES, scale.runs))


def measure_stages(record: Record, scale: Scale, core: int | None) -> None:  # noqa: ARG001 - it is one process
    """The cost of each stage alone."""
    record.attempt("stages", lambda: stages(SIZE_BYTES, scale.runs))


def measure_end_to_end(kind: brokers.Kind, record: Record, scale: Scale, core: int | None) -> None:
    """Throughput and latency from a kind of queue over both transports."""
    with (
        record.survives("broker"),
        tempfile.TemporaryDirectory() as folder,
        brokers.running(kind, Path(folder)) as new_queue,
    ):
        for transport in scale.transports:
            backlog = scale.lean_backlog if transport == "lean" else scale.aiohttp_backlog
            how = Drive(
                transport, backlog, SIZE_BYTES, core, warm_seconds=scale.warm_seconds, wrk_seconds=scale.wrk_seconds
            )
            _measure_transport(record, scale, how, new_queue)
            if kind == "journal" and compiled():
                source = replace(how, from_source=True)
                record.attempt(f"{transport} from source, throughput", partial(_throughput, source, scale, new_queue))


def _throughput(how: Drive, scale: Scale, new_queue: brokers.NewQueue) -> dict[str, float]:
    return medians([beside_wrk(how, new_queue()) for _ in range(scale.runs)])


def _measure_transport(record: Record, scale: Scale, how: Drive, new_queue: brokers.NewQueue) -> None:
    def at(rate: float) -> dict[str, float]:
        return latency(how, rate, scale.latency_seconds, new_queue())

    most = record.attempt(f"{how.transport}, throughput", partial(_throughput, how, scale, new_queue))
    if most is not None:
        for percent in scale.shares_percent:
            record.attempt(f"{how.transport}, {percent} %", partial(at, most["deliveries a second"] * percent / 100))


def measure_destinations(record: Record, scale: Scale, core: int | None) -> None:
    """Many destinations in one daemon."""
    for count in scale.destinations:
        measure = partial(destinations, count, core, scale.deliveries, scale.pairs, scale.idle_seconds)
        record.attempt(str(count), measure)


def measure_ramps(record: Record, scale: Scale, core: int | None) -> None:
    """Receivers that answer slowly."""
    for milliseconds, seconds in scale.ramps:
        how = Ramp(seconds=seconds)
        record.attempt(f"{milliseconds:g}", partial(ramp, milliseconds, how, core))


def measure_shards(record: Record, scale: Scale, core: int | None) -> None:
    """Two shards against one."""
    record.attempt("shards", lambda: one_and_two(core, scale.runs, scale.shard_events))


def measure_isolation(record: Record, scale: Scale, core: int | None) -> None:
    """Nine destinations beside a dead tenth."""
    how = Drive(core=core, warm_seconds=scale.warm_seconds)
    for what, dead in (("nine alone", False), ("nine beside a dead tenth", True)):
        record.attempt(what, partial(isolation, how, scale.isolation_rate, scale.isolation_seconds, dead=dead))


def measure_taking(record: Record, scale: Scale, core: int | None) -> None:
    """Records taken, and two other servers beside the data plane."""
    for form in FORMS:
        record.attempt(form, partial(taking, form, scale.taking_seconds, scale.runs, core))


def measure_processing(record: Record, scale: Scale, core: int | None) -> None:
    """Records mapped, validated, merged and told, by the number of profiles."""
    for profiles in scale.stores:
        record.attempt(str(profiles), partial(in_a_process, profiles, scale.processed_records, core))


def measure_chain(record: Record, scale: Scale, core: int | None) -> None:  # noqa: ARG001 - it has all cores
    """All of the way in at once; then at half of that rate."""
    record.attempt("whole", partial(chain, scale.chain_rate, scale.chain_seconds))
    record.attempt("half", partial(chain, scale.chain_rate / 2, scale.chain_seconds / 2))


#: By the name of the record.
MEASUREMENTS: Mapping[str, Measurement] = MappingProxyType(
    {
        "transports": measure_transports,
        "pipeline": measure_pipeline,
        "stages": measure_stages,
        **{f"end to end {kind}": partial(measure_end_to_end, kind) for kind in brokers.KINDS},
        "isolation": measure_isolation,
        "destinations": measure_destinations,
        "ramp": measure_ramps,
        "shards": measure_shards,
        "taking": measure_taking,
        "processing": measure_processing,
        "chain": measure_chain,
    }
)
