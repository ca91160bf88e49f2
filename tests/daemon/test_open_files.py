"""The limit on open files: raised as far as allowed, and too little of it is said."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Mapping

from exporter.daemon.process.open_files import connections, note, wanted
from exporter.settings.tree import Settings


def settings(*concurrencies: int) -> Settings:
    destinations: list[Mapping[str, object]] = [
        {"name": f"d{n}", "endpoint": "http://127.0.0.1/", "delivery": {"concurrency": concurrency}}
        for n, concurrency in enumerate(concurrencies)
    ]
    return Settings.model_validate(
        {"destinations": [*destinations, {**destinations[0], "name": "x", "enabled": False}]}
    )


def test_every_attempt_in_flight_needs_one() -> None:
    assert wanted(settings(256, 1500)) - wanted(settings(256)) == 1501


def test_too_few_are_noted() -> None:
    most = wanted(settings(256, 1500))

    assert note(settings(256, 1500), most) is None
    assert note(settings(256, 1500), resource.RLIM_INFINITY) is None
    text = note(settings(256, 1500), 1024)
    assert text is not None
    assert f"{most:,} files" in text
    assert "1,024" in text


def test_the_limit_is_raised_as_far_as_the_system_allows() -> None:
    """In a process of its own: a limit cannot be given back."""
    program = (
        "import json, resource; from exporter.daemon.process.open_files import allow_all; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 700)); "
        "print(json.dumps([allow_all(), resource.getrlimit(resource.RLIMIT_NOFILE)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [700, [700, 700]]


def test_connections_leave_some_files_for_others() -> None:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert 0 < connections() < allowed or allowed == resource.RLIM_INFINITY
