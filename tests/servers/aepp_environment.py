"""aepp, Adobe's client in Python, in an environment of its own. Started as a program it only downloads.

It asks for packages that the exporter must not depend on; here are those that the modules import which tests use.
``python tests/servers/aepp_environment.py`` prints the environment's folder; exit code 75 when the download failed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from downloads import downloaded, failing_as_set_up, only, run

VERSION = "0.6.0"
_PACKAGES = ("pandas", "requests", "deprecation")


def environment() -> Path:
    """The environment's folder, made once. Raises DownloadFailed: three times in vain."""
    # Of the Python that made this environment, whichever its patch release is: another one has another folder.
    release = ".".join(map(str, sys.version_info[:3]))
    return downloaded(f"aepp-{VERSION}-{release}", _make) / "environment"


def python() -> Path:
    """For fixtures: the Python that has aepp; fails where the download does."""
    with failing_as_set_up():
        return environment() / "bin/python"


def _make(folder: Path) -> None:
    uv, place = [sys.executable, "-m", "uv"], folder / "environment"
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, place], check=True)
    install = (*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(place / "bin/python"))
    run(f"aepp {VERSION}", *install, "--no-deps", f"aepp=={VERSION}")
    run("what aepp imports", *install, *_PACKAGES)


if __name__ == "__main__":
    only(environment)
