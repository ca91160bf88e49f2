"""What tests download once into the user's cache, and how they tell that a download failed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_TRIES = 3


class DownloadFailed(Exception):
    """Something could not be downloaded: nothing is known about the code under test."""


def folder_of(name: str) -> Path:
    """Where something of that name and version stands, or will."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / f"exporter-tests/{name}"


def complete(name: str) -> bool:
    """Whether it was downloaded."""
    return (folder_of(name) / "complete").exists()


def downloaded(name: str, download: Callable[[Path], None]) -> Path:
    """Its folder, which ``download`` fills once, whatever number of processes ask. Raises what that does."""
    folder = folder_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete(name):
            download(folder)
            (folder / "complete").touch()
    return folder


def run(what: str, *command: str | Path) -> None:
    """Run a command that downloads. Raises DownloadFailed: three times in vain."""
    said = ""
    for attempt in range(1, _TRIES + 1):
        done = subprocess.run([*command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        if done.returncode == 0:
            return
        said = (done.stdout + done.stderr)[-2000:]
        time.sleep(5 * attempt)
    raise DownloadFailed(f"{what} could not be downloaded in {_TRIES} tries:\n{said}")


@contextmanager
def failing_as_set_up() -> Iterator[None]:
    """For fixtures: what fails in the block is set-up, not a test."""
    try:
        yield
    except DownloadFailed as error:
        pytest.fail(f"set-up, not a test: {error}")


def only(download: Callable[[], Path]) -> None:
    """A program that only downloads, and prints where; it exits with 75 when that failed."""
    try:
        print(download())
    except DownloadFailed as failed:
        print(failed, file=sys.stderr)
        sys.exit(75)
