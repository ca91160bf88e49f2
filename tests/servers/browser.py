"""A real browser for tests, with a profile of its own in a temporary folder; nothing of it is left afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)

needs_browser = pytest.mark.skipif(
    _BROWSER is None,
    reason="no chromium-headless-shell or chromium is on the PATH (Debian: apt-get install chromium-headless-shell)",
)


@contextmanager
def browsing(url: str, folder: Path, *options: str) -> Iterator[None]:
    """Have a browser open ``url``, and end it with all of its processes afterwards; what it says is in ``folder``."""
    assert _BROWSER is not None
    folder.mkdir()
    command = [_BROWSER, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # which root cannot have
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--user-data-dir={folder / 'profile'}", *options, url],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The browser leads a group of processes, which stays its own as long as it is not waited for.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
