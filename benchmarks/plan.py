"""The measurements of ``python -m benchmarks``: their order, and the length of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from benchmarks import brokers
from benchmarks.destinations import destinations
from benchmarks.drive import Drive
from benchmarks.latency import isolation, latency
from benchmarks.material import LARGE, SMALL
from benchmarks.outliers import Terms, counted_runs
from benchmarks.pairs import A_SECOND, ENOUGH
from benchmarks.peer.beside import Extent, beside
from benchmarks.pipeline import pipeline
from benchmarks.ramp import Ramp, ramp
from benchmarks.results import Record
from benchmarks.shards import one_and_two
from benchmarks.stages import stages
from benchmarks.throughput import Run, in_rounds, throughput
from benchmarks.transports import transports
from benchmarks.way_in.chain import chain
from benchmarks.way_in.processing import in_a_process
from benchmarks.way_in.taking import FORMS, taking
from exporter.telemetry.compilation import compiled

TRANSPORTS = ("lean", "aiohttp")
#: The shares of the highest measured rate at which latency is measured.
SHARES_PERCENT = (10, 50, 90)


@dataclass(frozen=True)
class Scale:
    """The extent of every measurement. Seconds are of a single run.

    ``runs``: of what is compared with nothing. ``rounds``: of what is compared; each has all that is compared, in turn.
    """

    name: str = "full"
    runs: int = 3
    rounds: int = ENOUGH
    transport_seconds: float = 2.0
    pipeline_events: int = 50_000
    #: Waiting events of a throughput run.
    lean_backlog: int = 60_000
    aiohttp_backlog: int = 30_000
    wrk_seconds: float = 2.0
    transports: tuple[str, ...] = TRANSPORTS
    shares_percent: tuple[int, ...] = SHARES_PERCENT
    warm_seconds: float = 1.5
    latency_seconds: float = 5.0
    outliers: Terms = field(default_factory=Terms)
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
    chain_rate: float = 4_000.0
    chain_seconds: float = 30.0
    peer: Extent = field(default_factory=Extent)


FULL = Scale()
QUICK = replace(
    FULL,
    name="quick",
    runs=1,
    rounds=1,
    transport_seconds=1.0,
    pipeline_events=10_000,
    lean_backlog=30_000,
    aiohttp_backlog=15_000,
    latency_seconds=2.0,
    outliers=Terms(runs=2, seconds=2.0),
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
    peer=Extent(pairs=2, seconds=3.0, peer_warm_seconds=8.0, records=600_000, events=400_000),
)

#: Fills a record; the core is the daemon's.
Measurement = Callable[[Record, Scale, int | None], None]


def measure_transports(record: Record, scale: Scale, core: int | None) -> None:
    """wrk, lean and aiohttp against the same nginx."""
    record.attempt("clients", lambda: transports(scale.transport_seconds, 64, scale.rounds, core))


def measure_pipeline(record: Record, scale: Scale, core: int | None) -> None:  # noqa: ARG001 - it is one process
    """The cost of an event without HTTP."""
    record.attempt("paths", lambda: pipeline(scale.pipeline_events, SMALL, scale.runs))


def measure_stages(record: Record, scale: Scale, core: int | None) -> None:  # noqa: ARG001 - it is one process
    """The cost of each stage alone."""
    record.attempt("stages", lambda: stages(SMALL, scale.runs))


def measure_end_to_end(kind: brokers.Kind, record: Record, scale: Scale, core: int | None) -> None:
    """Throughput and latency from a kind of queue over both transports."""
    with (
        record.survives("broker"),
        tempfile.TemporaryDirectory() as folder,
        brokers.running(kind, Path(folder)) as new_queue,
    ):
        drives = {transport: _drive(transport, scale, core) for transport in scale.transports}
        in_rounds(record, runs_of_a_round(kind, drives, new_queue, compiled=compiled()), scale.rounds)
        for transport, how in drives.items():
            most = record.numbers.get(f"{transport}, throughput", {}).get(A_SECOND)
            for percent in scale.shares_percent if most else ():
                measure = partial(_latency, how, most * percent / 100, scale.latency_seconds, new_queue)
                record.attempt(f"{transport}, {percent} %", measure)


def _drive(transport: str, scale: Scale, core: int | None) -> Drive:
    backlog = scale.lean_backlog if transport == "lean" else scale.aiohttp_backlog
    return Drive(transport, backlog, core=core, warm_seconds=scale.warm_seconds, wrk_seconds=scale.wrk_seconds)


def runs_of_a_round(
    kind: brokers.Kind, drives: Mapping[str, Drive], new_queue: brokers.NewQueue, *, compiled: bool
) -> dict[str, Run]:
    """What a kind of queue is measured with in each round: both transports, and beside lean what lean is compared with.

    From the journal these are aiohttp, the large body and, where the exporter is compiled, plain Python; from a broker
    it is the journal.
    """
    lean, aiohttp = drives["lean"], drives.get("aiohttp")
    beside: dict[str, str] = {}
    runs = {"lean, throughput": Run(lean, new_queue, beside)}
    if kind != "journal":
        runs["beside the journal"] = Run(lean, lambda: None)
        beside["of the journal"] = "beside the journal"
    if kind == "journal" and compiled:
        runs["lean from source, throughput"] = Run(replace(lean, from_source=True), new_queue)
        beside["of lean from source"] = "lean from source, throughput"
    if kind == "journal" and aiohttp is not None:
        beside["of aiohttp"] = "aiohttp, throughput"
    if kind == "journal":
        of_small = {"of the small body": "lean, throughput"}
        runs["lean, large body, throughput"] = Run(replace(lean, body=LARGE), new_queue, of_small)
    if aiohttp is not None:
        runs["aiohttp, throughput"] = Run(aiohttp, new_queue)
        if kind == "journal" and compiled:
            runs["aiohttp from source, throughput"] = Run(replace(aiohttp, from_source=True), new_queue)
    return runs


def _latency(how: Drive, rate: float, seconds: float, new_queue: brokers.NewQueue) -> dict[str, float]:
    return latency(how, rate, seconds, new_queue())


def measure_outliers(record: Record, scale: Scale, core: int | None) -> None:
    """Runs at half of the highest rate from the journal, beside controls that only sleep."""
    how = _drive("lean", scale, core)
    most = record.attempt("highest rate", lambda: throughput(how, None))
    if most is not None:
        record.attempt("runs", lambda: counted_runs(how, most[A_SECOND] / 2, scale.outliers))


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
    record.attempt("shards", lambda: one_and_two(core, scale.rounds, scale.shard_events))


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


def measure_peer(record: Record, scale: Scale, core: int | None) -> None:
    """The exporter beside the best peer."""
    with record.survives("the peer"):
        beside(record, scale.peer, core)


#: By the name of the record.
MEASUREMENTS: Mapping[str, Measurement] = MappingProxyType(
    {
        "transports": measure_transports,
        "pipeline": measure_pipeline,
        "stages": measure_stages,
        **{f"end to end {kind}": partial(measure_end_to_end, kind) for kind in brokers.KINDS},
        "outliers": measure_outliers,
        "peer": measure_peer,
        "isolation": measure_isolation,
        "destinations": measure_destinations,
        "ramp": measure_ramps,
        "shards": measure_shards,
        "taking": measure_taking,
        "processing": measure_processing,
        "chain": measure_chain,
    }
)
