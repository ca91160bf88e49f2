"""A process that is kept to a share of a core is suspended, and runs again afterwards."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from benchmarks.share_of_a_core import kept_to

_PATIENCE_SECONDS = 60.0


def until_it_is(process: psutil.Process, status: str) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while process.status() != status:
        assert time.monotonic() < end, f"never {status}"
        time.sleep(0.001)


def test_a_busy_process_is_suspended_and_let_go() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            process = psutil.Process(busy.pid)
            with kept_to(0.2, [busy.pid]):
                until_it_is(process, psutil.STATUS_STOPPED)
                until_it_is(process, psutil.STATUS_RUNNING)
                until_it_is(process, psutil.STATUS_STOPPED)
            until_it_is(process, psutil.STATUS_RUNNING)
        finally:
            busy.kill()


def test_one_that_ends_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as short, kept_to(0.5, [short.pid]):
        assert short.wait(_PATIENCE_SECONDS) == 0
        time.sleep(0.02)
