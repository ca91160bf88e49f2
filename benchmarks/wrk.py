"""nginx on a free port, and wrk against nginx: the rate of the fastest client on the machine."""

from __future__ import annotations

import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.cores import pinned
from benchmarks.processes import Failed, Missing, end

BODY_BYTES = 600
TOKEN = "t" * 40
FIXED = (
    ("Content-Type", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "exporter"),
    ("Authorization", f"Bearer {TOKEN}"),
)
#: Headers of each request; the same each time.
OWN = (("Idempotency-Key", "crm:e12345"), ("Exporter-Position", "journal-12345"))
_PATIENCE_SECONDS = 60.0

_NGINX = """
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
  server {{ listen 127.0.0.1:{port}; location = /status {{ stub_status; }} location / {{ return 200; }} }}
}}
"""


_PACKAGES = {"nginx": "nginx-light or nginx", "wrk": "wrk"}


def missing(*commands: str) -> str | None:
    """Which of the commands, nginx and wrk by default, the machine lacks, in words, or None."""
    absent = [command for command in commands or _PACKAGES if shutil.which(command) is None]
    if not absent:
        return None
    debian = ", ".join(_PACKAGES[command] for command in absent)
    return f"not on the PATH: {' and '.join(absent)} (Debian: apt-get install {debian})"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a run of wrk came to: answered requests, how many a second, and wrk's own CPU seconds."""

    requests: int
    a_second: float
    cpu_seconds: float


def send(url: str, script: Path, core: int | None, seconds: float, connections: int) -> Sent:
    """Run wrk on ``core`` for so many seconds, and again until anything is answered.

    A server that shares a busy machine may answer nothing within a short run.

    Raises:
        Failed: a request failed, or nothing is answered in a minute.
    """
    # wrk calls an answer after two seconds an error, and a process that shares its core may need them.
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "--timeout", "60", "-s", str(script), url]
    latest = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < latest:
        before = _cpu_seconds()
        done = subprocess.run(pinned(argv, core), check=True, stdout=subprocess.PIPE, text=True)
        cpu = _cpu_seconds() - before
        requests = re.search(r"(\d+) requests in", done.stdout)
        rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
        if requests is None or rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise Failed(f"wrk failed at {urlsplit(url).path[:12]}: {done.stdout}")
        if (answered := int(requests[1])) and (a_second := float(rate[1])) and cpu > 0:
            return Sent(answered, a_second, cpu)
    raise Failed(f"nothing was answered at {urlsplit(url).path[:12]} in {_PATIENCE_SECONDS:.0f} s")


def _cpu_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path, url: str, core: int | None, seconds: float, connections: int) -> dict[str, float]:
    """Run wrk for so many seconds on the daemon's core; the rate and the CPU time."""
    script = folder / "post.lua"
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in (*FIXED, *OWN))
    script.write_text(f'wrk.method = "POST"\nwrk.body = string.rep("x", {BODY_BYTES})\n{headers}', encoding="utf-8")
    sent = send(url, script, core, seconds, connections)
    return {"requests a second": sent.a_second, "CPU us a request": sent.cpu_seconds / sent.requests * 1e6}


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Run nginx on the cores of this process; yields the URL at which nginx answers 200.

    Below that URL, ``status`` tells how many requests there were (``stub_status``).

    Raises:
        Missing: nginx is not installed.
        Failed: nginx does not start.
    """
    if (lacking := missing("nginx")) is not None:
        raise Missing(lacking)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port), encoding="utf-8")
    argv = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]
    process: subprocess.Popen[Any] = subprocess.Popen(argv)
    try:
        _until_it_listens(port, process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        end(process)


def _until_it_listens(port: int, process: subprocess.Popen[Any]) -> None:
    latest = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < latest and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Failed("nginx does not start")
