"""The cost of a record behind the answer: mapped, validated, merged into its profile, told; with empty and full stores.

Intake, profile store, state and queue are the real ones, put together as ``exporter serve`` does; records stand in the
intake before they are counted. The keys are uniform: with many profiles hardly a page of the store is in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.cores import pinned
from benchmarks.material import report
from benchmarks.processes import Failed
from benchmarks.setting import REPOSITORY
from benchmarks.way_in.material import DATASET, FLOW, INLET, configuration, record
from exporter.daemon.process.garbage import freeze_after_start
from exporter.daemon.serving.parts import Opened, open_parts
from exporter.queues.port import Outgoing
from exporter.settings.loading.load import Loaded, load
from exporter.settings.tree import Settings
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.examined import Chances, Good
from exporter.source.processing.examining import examine
from exporter.source.processing.letters import Letters
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.processor import Processor
from exporter.source.processing.telling import Teller
from exporter.telemetry.logs import configure

_TOGETHER = 500
_FILLED_TOGETHER = 5_000
_EVERY_SECONDS = 0.02
#: The share of the records before which connections, caches and statements are still being made ready.
_BEGUN = 0.1


@dataclass(slots=True)
class _Seen:
    """How many records came to what."""

    applied: int = 0
    others: int = 0

    def became(self, _flow: str, outcome: str, count: int) -> None:
        if outcome == "applied":
            self.applied += count
        else:
            self.others += count


def _raise(error: Exception) -> None:
    raise error


def taken(keys: Iterator[int], *, version: int, at: int) -> Iterator[TakenRecord]:
    """Records as the data plane keeps them, of the profiles ``keys``, taken from ``at`` epoch milliseconds on."""
    for count, profile in enumerate(keys):
        ms = at + count // 8
        name = f"{ms}:1:{count}"
        yield TakenRecord(name, ms, INLET, FLOW, DATASET, Form.RAW, record(profile, version + count % 7))


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[tuple[Settings, Opened, Catalogue]]:
    file = folder / "exporter.yaml"
    file.write_text(json.dumps(configuration(folder)), encoding="utf-8")
    loaded = load(file, {})
    if not isinstance(loaded, Loaded):
        raise Failed(f"the configuration is refused: {loaded}")
    async with AsyncExitStack() as stack:
        log = configure(io.StringIO(), tty=False)
        opened = await open_parts(stack, loaded, lambda _: None, log)
        yield loaded.settings, opened, opened.compiled.catalogue


async def _fill(opened: Opened, catalogue: Catalogue, chances: Chances, profiles: int, max_event_bytes: int) -> float:
    """Make ``profiles`` profiles, told to nobody; the seconds that takes."""
    begun = time.monotonic()
    records = taken(iter(range(profiles)), version=0, at=1_700_000_000_000)
    told_to = 0
    while some := list(islice(records, _FILLED_TOGETHER)):
        steps = [found.record for each in some if isinstance(found := examine(each, catalogue, chances), Good)]
        await opened.store.apply(steps, max_event_bytes)
        told_to += len(some)
        await opened.store.delete_told(told_to)
    return time.monotonic() - begun


async def measured(folder: Path, profiles: int, records: int, seed: int = 1) -> dict[str, float]:
    """What ``records`` records of uniform keys cost where there are that many profiles; 0: each makes one."""
    chances = Chances(os.urandom, time.monotonic, time.thread_time)
    async with _opened(folder) as (settings, opened, catalogue):
        filled = await _fill(opened, catalogue, chances, profiles, settings.max_event_bytes)
        dice = random.Random(seed)
        keys = (dice.randrange(profiles) if profiles else number for number in range(records))
        waiting = taken(keys, version=10, at=1_700_100_000_000)
        while some := list(islice(waiting, _TOGETHER)):
            await opened.intake.publish([Outgoing(INLET, each.to_bytes()) for each in some])
        numbers = await _processed(settings, opened, catalogue, chances, records)
        size = _bytes_of_the_store(folder)
        there = (await opened.store.counts()).profiles
    return {
        **numbers,
        "profiles": float(there),
        "bytes a profile": size / max(1, there),
        "profiles filled a second": profiles / filled if profiles else 0.0,
        "peak RSS MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _bytes_of_the_store(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.glob("profiles.db*"))


async def _processed(
    settings: Settings, opened: Opened, catalogue: Catalogue, chances: Chances, records: int
) -> dict[str, float]:
    seen = _Seen()
    teller = Teller(opened.store, opened.queue, lambda _: 0.1, lambda _: None, lambda _: None)
    processor = Processor(
        opened.intake,
        opened.subscription,
        opened.store,
        Letters(opened.state.bad_records, settings.bad_records_max_bytes, lambda _: "crm", time.time),
        lambda: catalogue,
        chances,
        settings.max_event_bytes,
        settings.profiles.outbox_max,
        lambda _: 0.1,
        Listeners(seen.became, lambda _flow, _count: None, _raise, teller.look),
    )
    freeze_after_start()

    async def until(count: int) -> tuple[float, float, int]:
        while teller.told < count:
            if seen.others:
                raise Failed(f"{seen.others} records were not applied")
            await asyncio.sleep(_EVERY_SECONDS)
        return time.process_time(), time.monotonic(), teller.told

    async with asyncio.TaskGroup() as tasks:
        start = await until(0)
        working = [tasks.create_task(processor.run()), tasks.create_task(teller.run())]
        warm, last = await until(int(records * _BEGUN)), await until(records)
        for task in working:
            task.cancel()
    # Few records, or a process that got no core between two looks: all were told at the first of them.
    first = start if warm[2] == last[2] else warm
    count = last[2] - first[2]
    return {
        "processed a CPU second": count / (last[0] - first[0]),
        "processed a second": count / (last[1] - first[1]),
        "CPU us a record": (last[0] - first[0]) / count * 1e6,
    }


def processing(profiles: int, records: int) -> dict[str, float]:
    """See ``measured``; in a temporary folder, on the event loop of ``exporter serve``."""
    with tempfile.TemporaryDirectory() as folder:
        measurement = measured(Path(folder), profiles, records)
        try:
            import uvloop
        except ImportError:
            return asyncio.run(measurement)
        return uvloop.run(measurement)


def in_a_process(profiles: int, records: int, core: int | None) -> dict[str, float]:
    """The same in a process of its own, whose memory and garbage are nobody else's; on ``core`` alone.

    Raises:
        Failed: the process did.
    """
    words = ["--profiles", str(profiles), "--records", str(records), "--json"]
    argv = [sys.executable, "-m", "benchmarks.way_in.processing", *words]
    done = subprocess.run(pinned(argv, core), check=False, capture_output=True, text=True, cwd=REPOSITORY)
    if done.returncode:
        raise Failed(done.stderr[-500:])
    found: dict[str, float] = json.loads(done.stdout)["numbers"]["run 1"]
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profiles", type=int, default=10_000, help="before the first record (default: %(default)s)")
    parser.add_argument("--records", type=int, default=20_000, help="of one run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="each is shown (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    runs = {f"run {number + 1}": processing(options.profiles, options.records) for number in range(options.runs)}
    report("processing", runs, options.json)


if __name__ == "__main__":
    main()
