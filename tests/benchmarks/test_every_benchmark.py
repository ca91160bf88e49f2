"""Every benchmark runs, with numbers so small that they mean nothing, and its results make a page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import benchmarks
from benchmarks import plan
from benchmarks.cores import core_for_the_daemon
from benchmarks.outliers import Terms
from benchmarks.peer.beside import Extent
from benchmarks.report import write_report
from benchmarks.results import Record, read

REPOSITORY = Path(benchmarks.__file__).parents[1]
TINY = replace(
    plan.FULL,
    name="tiny",
    runs=1,
    rounds=1,
    transport_seconds=0.2,
    pipeline_events=200,
    lean_backlog=20_000,
    aiohttp_backlog=5_000,
    wrk_seconds=1.0,
    shares_percent=(10,),
    warm_seconds=0.1,
    latency_seconds=0.3,
    outliers=Terms(runs=1, seconds=0.3),
    isolation_rate=20.0,
    isolation_seconds=0.5,
    destinations=(1, 3),
    deliveries=20_000,
    pairs=10_000,
    idle_seconds=0.2,
    ramps=((5, 1.5),),
    shard_events=5_000,
    taking_seconds=0.5,
    processed_records=1_000,
    stores=(200,),
    chain_rate=100.0,
    chain_seconds=0.5,
    peer=Extent(pairs=1, seconds=0.2, peer_warm_seconds=0.1, exporter_warm_seconds=0.1, records=40_000, events=60_000),
)


@pytest.mark.parametrize("name", list(plan.MEASUREMENTS))
def test_it_measures(name: str, tmp_path: Path) -> None:
    record = Record(name, scale=TINY.name)
    with core_for_the_daemon() as core:
        plan.MEASUREMENTS[name](record, TINY, core)
    assert record.failed == {}
    if record.missing:
        pytest.skip("; ".join(record.missing.values()))
    assert record.numbers
    record.write(tmp_path / "results")
    shutil.copy(REPOSITORY / "benchmarks" / "README.md", tmp_path)
    assert write_report(tmp_path, read(tmp_path / "results")) == []
    assert f"* {name}" not in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ["benchmarks.end_to_end", "--events", "10000", "--json"],
        ["benchmarks.end_to_end", "--queue", "journal", "--latency", "--rate", "50", "--seconds", "0.3"],
        ["benchmarks.pipeline", "--events", "100", "--runs", "1"],
        ["benchmarks", "--report", "--into", "."],
    ],
)
def test_a_command_runs(words: list[str], tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
