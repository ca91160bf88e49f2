"""The transports alone: wrk, lean and aiohttp, one after the other, against the same nginx.

Needs the commands ``nginx`` and ``wrk`` (Debian: nginx-light, wrk) and two cores: the client has a core for itself.
Everything is on loopback, on a free port, in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from benchmarks import wrk
from benchmarks.cores import core_for_the_daemon, pinned
from benchmarks.material import report
from benchmarks.pairs import A_CPU_SECOND, A_SECOND, ENOUGH, across, compared
from benchmarks.processes import Failed, Missing
from exporter.daemon.process.event_loop import new_event_loop
from exporter.messages.exchange import Answer, Request
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportKind, TransportOptions

CLIENTS = ("wrk", "lean", "aiohttp")


def transports(seconds: float, connections: int, rounds: int, core: int | None) -> dict[str, dict[str, Any]]:
    """Medians of each client over so many rounds of all three, and the ratios of two clients within a round.

    Raises:
        Missing: a command is not installed.
    """
    if (lacking := wrk.missing()) is not None:
        raise Missing(lacking)
    with tempfile.TemporaryDirectory() as folder, wrk.nginx(Path(folder)) as url:
        each = [_round(Path(folder), url, core, seconds, connections) for _ in range(rounds)]
    return {name: across([found[name] for found in each], []) for name in CLIENTS} | {
        "ratios": across([], [_ratios(found) for found in each])
    }


def _round(folder: Path, url: str, core: int | None, seconds: float, connections: int) -> dict[str, dict[str, float]]:
    best = wrk.measure(folder, url, core, seconds, connections)
    return {"wrk": best} | {kind: _client(kind, url, core, seconds, connections) for kind in ("lean", "aiohttp")}


def _ratios(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    rates = {
        name: {A_SECOND: each["requests a second"], A_CPU_SECOND: 1e6 / each["CPU us a request"]}
        for name, each in found.items()
    }
    compares = (("lean", "wrk"), ("aiohttp", "wrk"), ("lean", "aiohttp"))
    ratios = [compared(f"{one} of {other}", rates[one], rates[other]) for one, other in compares]
    return {name: ratio for pair in ratios for name, ratio in pair.items()}


def _client(kind: str, url: str, core: int | None, seconds: float, connections: int) -> dict[str, float]:
    argv = [sys.executable, "-m", "benchmarks.transports", "--client", kind, "--url", url]
    argv += ["--seconds", str(seconds), "--connections", str(connections)]
    repository = Path(__file__).parents[1]
    done = subprocess.run(pinned(argv, core), check=True, stdout=subprocess.PIPE, text=True, cwd=repository)
    return cast("dict[str, float]", json.loads(done.stdout))


def drive(kind: TransportKind, url: str, seconds: float, connections: int) -> dict[str, float]:
    """Send for so many seconds through a transport; the rate and the CPU time."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_drive(kind, url, seconds, connections))


async def _drive(kind: TransportKind, url: str, seconds: float, connections: int) -> dict[str, float]:
    request = Request(url, wrk.FIXED, wrk.OWN, b"x" * wrk.BODY_BYTES)
    sent = 0
    end = 0.0

    async def sender() -> None:
        nonlocal sent
        # Each sends at least once: a process without a core may find the time over before its first request.
        while True:
            sent += 1
            outcome = await transport.send(request)
            if not isinstance(outcome, Answer) or outcome.status != 200:
                raise SystemExit(f"not delivered: {outcome}")
            if time.perf_counter() >= end:
                return

    async def senders() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(sender())

    async with open_transport(kind, TransportOptions(timeout_seconds=10.0, concurrency=connections)) as transport:
        end = time.perf_counter() + min(1.0, seconds / 5)
        await senders()
        sent = 0
        begun, cpu_begun = time.perf_counter(), time.process_time()
        end = begun + seconds
        await senders()
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    return {"requests a second": sent / took, "CPU us a request": cpu / sent * 1e6}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each client in a run (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=64, help="requests at a time (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ENOUGH, help="medians are shown (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--client", choices=("lean", "aiohttp"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client is not None:
        print(json.dumps(drive(options.client, options.url, options.seconds, options.connections)))
        return
    try:
        with core_for_the_daemon() as core:
            numbers = transports(options.seconds, options.connections, options.rounds, core)
    except Failed as failed:
        raise SystemExit(f"transports: {failed}") from failed
    report("transports", numbers, options.json)


if __name__ == "__main__":
    main()
