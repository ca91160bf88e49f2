"""Helm, built by Go from its modules, once for a user. Started as a program it only builds.

``python tests/servers/helm.py`` prints the program's path, or why it is left out; 75 where the download failed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from downloads import complete, downloaded, failing_as_set_up, only, run

VERSION = "v4.3.2"
_NAME = f"helm-{VERSION}"
#: What this version asks for; an older Go stops at its first file.
_GO = (1, 26)
#: Where Go's own archive puts it, which not every shell has on its path.
_USUAL_PLACE = "/usr/local/go/bin/go"


def program() -> Path:
    """The built program. Raises DownloadFailed: three times in vain."""
    return downloaded(_NAME, _build) / "helm"


def needed() -> Path:
    """For fixtures: the program; skips where it can't be built here, and fails where its download does."""
    if (lacking := missing()) is not None:
        pytest.skip(lacking)
    with failing_as_set_up():
        return program()


def missing() -> str | None:
    """What this machine lacks to build it, in words, or None, also where it is built already."""
    if complete(_NAME) or ((go := _go()) is not None and _release(go) >= _GO):
        return None
    return f"Helm is built by Go {_GO[0]}.{_GO[1]} or newer (Debian: golang-go, where that is new enough)"


def _go() -> str | None:
    return shutil.which("go") or shutil.which(_USUAL_PLACE)


def _release(go: str) -> tuple[int, int]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\bgo(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _build(folder: Path) -> None:
    settings = ("env", f"GOBIN={folder}", "CGO_ENABLED=0")
    # No debugger needs it: without paths and symbols it is a third smaller.
    options = ("-trimpath", "-ldflags=-s -w")
    run(f"Helm {VERSION}", *settings, _go() or "go", "install", *options, f"helm.sh/helm/v4/cmd/helm@{VERSION}")


if __name__ == "__main__":
    lacking = missing()
    if lacking is not None:
        # Its tests are skipped with the same words: a machine without it says nothing of a change.
        print(f"left out: {lacking}")
    else:
        only(program)
