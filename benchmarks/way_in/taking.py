"""Records taken a CPU second of the server, one in a request and a hundred; beside them uvicorn and aiohttp.web.

wrk sends from the other core, on 128 connections. Rates of several servers are compared within one run only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cores import core_for_the_daemon, pinned
from benchmarks.material import medians, report
from benchmarks.processes import Missing, Receiver, end
from benchmarks.setting import REPOSITORY
from benchmarks.way_in.material import BATCH, INLET, batch, record
from benchmarks.wrk import missing, send

SERVERS = ("ours", "uvicorn", "aiohttp")
FORMS = ("single", "batches")
CONNECTIONS = 128
_BODIES = 35


def _script(folder: Path, form: str) -> Path:
    """What wrk sends: requests of different lengths in turn, as real records have."""
    for number in range(_BODIES):
        records = (record(10 ** (number % 7) + each, 10 ** (number % 5)) for each in range(BATCH))
        (folder / f"body.{number}").write_bytes(next(records) if form == "single" else batch(records))
    script = folder / "post.lua"
    script.write_text(
        f"""
        local headers, requests, sent = {{["Content-Type"] = "application/json"}}, {{}}, 0
        function init()
          for number = 0, {_BODIES - 1} do
            local file = io.open("{folder}/body." .. number, "rb")
            requests[number] = wrk.format("POST", nil, headers, file:read("*a"))
            file:close()
          end
        end
        function request()
          sent = sent + 1
          return requests[sent % {_BODIES}]
        end
        """,
        encoding="utf-8",
    )
    return script


def taken(server: str, form: str, seconds: float, core: int | None) -> dict[str, float]:
    """What one server makes of one form of request.

    Raises:
        Missing: wrk is not installed.
        Failed: requests failed.
    """
    if (lacking := missing("wrk")) is not None:
        raise Missing(lacking)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        argv = [sys.executable, "-m", "benchmarks.way_in.taking_server", server, str(folder)]
        process = subprocess.Popen(pinned(argv, core), stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        try:
            running = Receiver(process)
            path = f"collection/{INLET}" if form == "single" else f"collection/batch/{INLET}"
            url = f"http://127.0.0.1:{running.port}/{path}"
            script = _script(folder, form)
            send(url, script, None, 1, CONNECTIONS)
            spent = running.used.cpu_seconds()
            sent = send(url, script, None, seconds, CONNECTIONS)
            cpu = running.used.cpu_seconds() - spent
            peak = running.used.peak_megabytes()
        finally:
            end(process)
    together = BATCH if form == "batches" else 1
    records = sent.requests * together
    return {
        "taken a CPU second": records / cpu,
        "taken a second": sent.a_second * together,
        "CPU us a record": cpu / records * 1e6,
        "peak RSS MB": peak,
    }


def taking(
    form: str, seconds: float, runs: int, core: int | None, servers: Sequence[str] = SERVERS
) -> dict[str, dict[str, float]]:
    """All servers in turn, ``runs`` times; medians."""
    each: dict[str, list[dict[str, float]]] = {server: [] for server in servers}
    for _ in range(runs):
        for server in servers:
            each[server].append(taken(server, form, seconds, core))
    return {server: medians(found) for server, found in each.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of one run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="medians are shown (default: %(default)s)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with core_for_the_daemon() as core:
        numbers = {
            f"{server}, {form}": found
            for form in FORMS
            for server, found in taking(form, options.seconds, options.runs, core, options.servers).items()
        }
    report("taking", numbers, options.json)


if __name__ == "__main__":
    main()
