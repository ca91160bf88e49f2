"""The transports alone: wrk, lean and aiohttp, one after the other, against the same nginx on one other core.

Needs the commands ``nginx`` and ``wrk`` (Debian: nginx-light, wrk) and two cores: nginx gets one, each client the
other. Everything is on loopback, on a free port, in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from benchmarks.material import medians, report
from exporter.daemon.loop import new_event_loop
from exporter.delivery.request import Answer, Request
from exporter.delivery.transport_kind import TransportKind
from exporter.delivery.transports import open_transport_of

BODY_BYTES = 600
TOKEN = "t" * 40
FIXED = (
    ("Content-Type", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "exporter"),
    ("Authorization", f"Bearer {TOKEN}"),
)
PATIENCE_SECONDS = 60.0

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }}
}}
"""

WRK = """
wrk.method = "POST"
wrk.body = string.rep("x", {body_bytes})
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept-Encoding"] = "identity"
wrk.headers["User-Agent"] = "exporter"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Idempotency-Key"] = "crm:e12345"
wrk.headers["Exporter-Position"] = "journal-12345"
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each client in a run (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=64, help="requests at a time (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="medians are shown (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--client", choices=("lean", "aiohttp"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client is not None:
        print(json.dumps(drive(options.client, options.url, options.seconds, options.connections)))
        return
    missing = [command for command in ("nginx", "wrk") if shutil.which(command) is None]
    cores = sorted(os.sched_getaffinity(0))
    if missing or len(cores) < 2:
        raise SystemExit(f"missing: {', '.join(missing)}" if missing else "two cores are needed")
    with tempfile.TemporaryDirectory() as folder, _nginx(Path(folder), cores[1]) as url:
        runs = [_run(Path(folder), url, cores[0], options) for _ in range(options.runs)]
    numbers = {name: medians([run[name] for run in runs]) for name in runs[0]}
    report("transports", numbers, options.json)


def _run(folder: Path, url: str, core: int, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Each client once; ratios are of this run's own rates."""
    wrk = _wrk(folder, url, core, options.seconds, options.connections)
    lean, aiohttp = (_client(kind, url, core, options) for kind in ("lean", "aiohttp"))
    rate = "requests a second"
    ratios = {
        "lean of wrk": lean[rate] / wrk[rate],
        "aiohttp of wrk": aiohttp[rate] / wrk[rate],
        "lean of aiohttp": lean[rate] / aiohttp[rate],
        "lean of wrk, by CPU": wrk["CPU us a request"] / lean["CPU us a request"],
        "lean of aiohttp, by CPU": aiohttp["CPU us a request"] / lean["CPU us a request"],
    }
    # In hundredths, since the report shows one decimal.
    hundredths = {f"{name} (%)": 100 * ratio for name, ratio in ratios.items()}
    return {"wrk": wrk, "lean": lean, "aiohttp": aiohttp, "ratios": hundredths}


def drive(kind: TransportKind, url: str, seconds: float, connections: int) -> dict[str, float]:
    """Send for so many seconds through one transport; its rate and its CPU time."""
    loop = new_event_loop()
    try:
        return loop.run_until_complete(_drive(kind, url, seconds, connections))
    finally:
        loop.close()


async def _drive(kind: TransportKind, url: str, seconds: float, connections: int) -> dict[str, float]:
    # The same each time, as wrk's.
    own = (("Idempotency-Key", "crm:e12345"), ("Exporter-Position", "journal-12345"))
    request = Request(url, FIXED, own, b"x" * BODY_BYTES)
    sent = 0
    end = 0.0

    async def sender() -> None:
        nonlocal sent
        while time.perf_counter() < end:
            sent += 1
            outcome = await transport.send(request)
            if not isinstance(outcome, Answer) or outcome.status != 200:
                raise SystemExit(f"not delivered: {outcome}")

    async def senders() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(connections):
                tasks.create_task(sender())

    async with open_transport_of(kind, timeout_seconds=10.0, concurrency=connections) as transport:
        end = time.perf_counter() + min(1.0, seconds / 5)
        await senders()
        sent = 0
        begun, cpu_begun = time.perf_counter(), time.process_time()
        end = begun + seconds
        await senders()
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    return {"requests a second": sent / took, "CPU us a request": cpu / sent * 1e6}


def _client(kind: str, url: str, core: int, options: argparse.Namespace) -> dict[str, float]:
    argv = [sys.executable, __file__, "--client", kind, "--url", url, "--seconds", str(options.seconds)]
    argv += ["--connections", str(options.connections)]
    done = subprocess.run(_pinned(argv, core), check=True, stdout=subprocess.PIPE, text=True)
    return cast("dict[str, float]", json.loads(done.stdout))


def _wrk(folder: Path, url: str, core: int, seconds: float, connections: int) -> dict[str, float]:
    script = folder / "post.lua"
    script.write_text(WRK.format(body_bytes=BODY_BYTES, token=TOKEN), encoding="utf-8")
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "-s", str(script), url]
    before = os.times()
    done = subprocess.run(_pinned(argv, core), check=True, stdout=subprocess.PIPE, text=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if requests is None or rate is None or "Non-2xx" in done.stdout:
        raise SystemExit(f"wrk failed: {done.stdout}")
    return {"requests a second": float(rate[1]), "CPU us a request": cpu / int(requests[1]) * 1e6}


def _pinned(argv: list[str], core: int) -> list[str]:
    """The same command on one core; the new process pins itself before it becomes the command."""
    program = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); os.execvp(sys.argv[2], sys.argv[2:])"
    return [sys.executable, "-c", program, str(core), *argv]


@contextmanager
def _nginx(folder: Path, core: int) -> Iterator[str]:
    """nginx on one core; the URL at which it answers 200."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
    argv = _pinned(["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)], core)
    process: subprocess.Popen[Any] = subprocess.Popen(argv)
    try:
        _until_it_listens(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _until_it_listens(port: int, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("nginx does not start")


if __name__ == "__main__":
    main()
