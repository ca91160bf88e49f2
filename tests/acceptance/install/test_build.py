"""The daemon's first line and its ready line say which build it is, the one that a run of tests expects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import Place
from processes import EXPORTER

from exporter import __version__
from exporter.telemetry.build import NO_NOTE


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_it_is_said_once_and_first(tmp_path: Path, workers: tuple[str, ...]) -> None:
    with Place(tmp_path) as place:
        for name in ("crm", "shop"):
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        daemon = place.daemon(argv=(*EXPORTER, "run", *workers)).ready()
        first = daemon.logs()[0]
        assert [first] == daemon.logs("starting")
        assert first["version"] == __version__
        expected = bool(os.environ.get("EXPORTER_EXPECT_COMPILED"))
        assert first["compiled"] == expected
        [ready] = daemon.logs("ready")
        assert ready["build"] == ("compiled, native projector" if expected else f"plain Python: {NO_NOTE}")
        assert daemon.terminate() == 0, daemon.tail()
