"""Journal → daemon in a process of its own → receiver in a process of its own: rate, cost, latency and memory.

With no option it measures throughput. The receiver is ``lean_receiver.py``, so that the daemon is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.material import MAPPING, event, medians, quantile, report
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.port import Outgoing

PROFILES = 2_000
PATIENCE_SECONDS = 600.0


class Setting:
    """A folder, a journal, and the processes of one measurement."""

    def __init__(self, folder: Path, processes: ExitStack, transport: str) -> None:
        self._folder = folder
        self._transport = transport
        self._processes = processes
        self._config: dict[str, Any] = {
            "queue": {"kind": "journal", "path": str(folder / "queue.db")},
            "state": {"kind": "sqlite", "path": str(folder / "state.db")},
            "ops": {"host": "127.0.0.1", "port": 0},
            "destinations": [],
        }

    def receiver(self, delay_seconds: float = 0.0) -> int:
        """Start a receiver; its port."""
        argv = [sys.executable, str(Path(__file__).with_name("lean_receiver.py")), "--delay", str(delay_seconds)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self._processes.callback(_end, process)
        assert process.stdout is not None
        return int(json.loads(process.stdout.readline())["port"])

    def destination(self, name: str, port: int, **delivery: Any) -> None:
        """Add a destination."""
        section = {"name": name, "endpoint": f"http://127.0.0.1:{port}/profiles", **MAPPING}
        self._config["destinations"].append(
            {**section, "delivery": {"rate": 100_000, "transport": self._transport, **delivery}}
        )

    def daemon(self) -> psutil.Process:
        """Start the daemon and wait until it is ready."""
        file = self._folder / "exporter.yaml"
        # JSON is YAML, too.
        file.write_text(json.dumps(self._config), encoding="utf-8")
        log = self._folder / "daemon.log"
        with log.open("wb") as stderr:
            argv = [sys.executable, "-m", "exporter", "run", "--config", str(file)]
            process = subprocess.Popen(argv, stderr=stderr, stdout=subprocess.DEVNULL, cwd=self._folder)
        self._processes.callback(_end, process)

        def ready() -> bool:
            if process.poll() is not None:
                raise SystemExit(f"the daemon ended: {log.read_text(encoding='utf-8')[-2000:]}")
            return any(json.loads(line)["event"] == "ready" for line in log.read_text(encoding="utf-8").splitlines())

        _until(ready)
        return psutil.Process(process.pid)

    async def publish(self, bodies: Sequence[bytes]) -> None:
        """Put events on the journal."""
        async with JournalSettings(**self._config["queue"]).open((), lambda _: None) as queue:
            for start in range(0, len(bodies), 1000):
                await queue.publish([Outgoing(None, body) for body in bodies[start : start + 1000]])

    async def stream(self, rate: float, seconds: float, size_bytes: int) -> int:
        """Put events on the journal one by one, each with the time in its id; how many."""
        count = int(rate * seconds)
        async with JournalSettings(**self._config["queue"]).open((), lambda _: None) as queue:
            begun = time.monotonic()
            for number in range(count):
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                state, profile = divmod(number, PROFILES)
                id_ = f"e{number}@{time.monotonic_ns()}"
                await queue.publish([Outgoing(None, event(id_, f"p{profile}", state, size_bytes))])
        return count


def _end(process: subprocess.Popen[Any]) -> None:
    """End a process; one that does not end within a second is killed."""
    process.terminate()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > end:
            raise SystemExit("waited in vain")
        time.sleep(0.05)


def _ask(port: int, what: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}", timeout=30) as answer:
        return json.loads(answer.read())


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_megabytes(process: psutil.Process) -> float:
    """The highest resident memory of a process so far, where the system tells; else what it is now."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return float(process.memory_info().rss) / 1024**2


@contextmanager
def _setting(transport: str) -> Iterator[Setting]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        yield Setting(Path(folder), processes, transport)


def throughput(
    events: int, size_bytes: int, transport: str, delay_seconds: float = 0.0, concurrency: int = 256
) -> dict[str, float]:
    """Deliver a backlog as fast as it goes, to a receiver that takes its time for every answer."""
    with _setting(transport) as setting:
        port = setting.receiver(delay_seconds)
        setting.destination("crm", port, concurrency=concurrency)
        bodies = [event(f"e{n}", f"p{n % PROFILES}", n // PROFILES, size_bytes) for n in range(events)]
        asyncio.run(setting.publish(bodies))
        daemon = setting.daemon()
        _until(lambda: _ask(port, "count") >= events)
        stats = _ask(port, "stats")
        return {
            "deliveries": stats["requests"],
            "deliveries a second": stats["requests"] / stats["seconds"],
            "daemon CPU us a delivery, start included": _cpu_seconds(daemon) / stats["requests"] * 1e6,
            "connections": stats["connections"],
            "daemon peak RSS MB": _peak_megabytes(daemon),
        }


def latency(rate: float, seconds: float, size_bytes: int, transport: str) -> dict[str, float]:
    """Deliver a steady stream: from just before an event is published until its request is there."""
    with _setting(transport) as setting:
        port = setting.receiver()
        setting.destination("crm", port)
        setting.daemon()
        count = asyncio.run(setting.stream(rate, seconds, size_bytes))
        _until(lambda: _ask(port, "count") >= count)
        return {"events a second": rate, **_latencies([_ask(port, "stats")["latencies"]["crm"]])}


def isolation(rate: float, seconds: float, size_bytes: int, transport: str, *, dead: bool) -> dict[str, float]:
    """Deliver a steady stream to nine destinations, with or without a tenth that accepts and never answers."""
    with _setting(transport) as setting:
        port = setting.receiver()
        healthy = [f"healthy-{number}" for number in range(9)]
        for name in healthy:
            setting.destination(name, port)
        if dead:
            setting.destination("dead", setting.receiver(delay_seconds=86_400), timeout=3_600)
        setting.daemon()
        count = asyncio.run(setting.stream(rate, seconds, size_bytes))
        _until(lambda: _ask(port, "count") >= count * len(healthy))
        latencies = _ask(port, "stats")["latencies"]
        return {"events a second": rate, **_latencies([latencies[name] for name in healthy])}


def _latencies(of: Sequence[Sequence[float]]) -> dict[str, float]:
    """Quantiles over all, and of the slowest destination, in milliseconds."""
    together = [seconds for each in of for seconds in each]
    return {
        "p50 ms": quantile(together, 0.5) * 1e3,
        "p99 ms": quantile(together, 0.99) * 1e3,
        "p99 ms of the slowest": max(quantile(each, 0.99) for each in of) * 1e3,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=30_000, help="of a throughput run (default: %(default)s)")
    parser.add_argument("--bytes", type=int, default=1_000, help="of an event (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="events a second of --latency (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of a latency run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="of each measurement; medians are shown")
    parser.add_argument("--backlog", type=int, metavar="EVENTS", help="throughput with so many events waiting")
    parser.add_argument("--slow", action="store_true", help="throughput to a receiver that takes 200 ms an answer")
    parser.add_argument("--latency", action="store_true", help="latency under a steady stream")
    parser.add_argument("--isolation", action="store_true", help="latency of nine, with and without a dead tenth")
    parser.add_argument("--transport", default="auto", help="auto, lean or aiohttp (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    size: int = options.bytes
    how: str = options.transport
    measurements: dict[str, Callable[[], dict[str, float]]] = {}
    if options.latency:
        measurements["latency"] = lambda: latency(options.rate, options.seconds, size, how)
    if options.isolation:
        share = options.rate / 4
        measurements["nine alone"] = lambda: isolation(share, options.seconds, size, how, dead=False)
        measurements["nine beside a dead tenth"] = lambda: isolation(share, options.seconds, size, how, dead=True)
    if options.backlog:
        measurements[f"backlog of {options.backlog}"] = lambda: throughput(options.backlog, size, how)
    if options.slow:
        measurements["receiver takes 200 ms"] = lambda: throughput(options.events, size, how, 0.2, 512)
    if not measurements:
        measurements["throughput"] = lambda: throughput(options.events, size, how)
    numbers = {name: medians([measure() for _ in range(options.runs)]) for name, measure in measurements.items()}
    report("end to end", numbers, options.json)


if __name__ == "__main__":
    main()
