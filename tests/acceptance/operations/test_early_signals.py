"""Signals that come while ``exporter run`` or ``serve`` still imports or loads: a clean end, and no reload is lost."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from harness import Place
from processes import Daemon, eventually, fetch
from serving import way_in

#: The command, to which a signal comes just when it is about to import a module for the first time. What stands in
#: ``next.yaml`` becomes the configuration at that moment.
_SIGNALLED = """
import os, sys

class Signal:
    def find_spec(self, name, path, target=None):
        if name == module:
            sys.meta_path.remove(self)
            if os.path.exists("next.yaml"):
                os.replace("next.yaml", "exporter.yaml")
            os.kill(os.getpid(), int(number))

_, module, number, *words = sys.argv
sys.argv[1:] = words
sys.meta_path.insert(0, Signal())
from exporter.cli.app import main
main()
"""

#: The first that is imported of what takes its time, and one that is imported when the configuration was loaded.
FIRST, AFTER_LOADING = "typer", "exporter.daemon.daemon"
SERVE_AFTER_LOADING = "exporter.daemon.serving.server"
ALONE_AND_WITH_WORKERS = pytest.mark.parametrize("workers", [(), ("--workers", "2")])


def signalled(place: Place, module: str, number: signal.Signals, words: tuple[str, ...]) -> Daemon:
    """Started, with the signal on its way."""
    argv = (sys.executable, "-c", _SIGNALLED, module, str(int(number)), "run", *words)
    return place.daemon(argv=argv)


def signalled_serve(place: Place, module: str, number: signal.Signals) -> Daemon:
    """Likewise, the way in."""
    return place.daemon("serve", argv=(sys.executable, "-c", _SIGNALLED, module, str(int(number)), "serve"))


def two_destinations(place: Place) -> None:
    for name in ("b", "a"):
        place.destination(name, "http://127.0.0.1:9/")
    place.write()


@ALONE_AND_WITH_WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", [FIRST, AFTER_LOADING])
def test_a_stop_before_anything_began_is_a_clean_end(
    tmp_path: Path, module: str, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    with Place(tmp_path) as place:
        two_destinations(place)
        daemon = signalled(place, module, number, workers)

        assert daemon.wait() == 0, daemon.tail()
        assert daemon.log.read_text() == ""


@ALONE_AND_WITH_WORKERS
@pytest.mark.parametrize("module", [FIRST, AFTER_LOADING])
def test_a_wish_to_reload_that_comes_early_is_fulfilled(tmp_path: Path, module: str, workers: tuple[str, ...]) -> None:
    with Place(tmp_path) as place:
        two_destinations(place)
        place.config["destinations"].reverse()
        place.destination("c", "http://127.0.0.1:9/")
        place.write().rename(tmp_path / "next.yaml")
        del place.config["destinations"][-1]
        place.config["destinations"].reverse()
        place.write()
        daemon = signalled(place, module, signal.SIGHUP, workers).ready()
        port = next(line["port"] for line in daemon.logs("ready"))

        def names() -> list[str]:
            return [
                flow["destination"] for flow in json.loads(fetch(f"http://127.0.0.1:{port}/status")[1])["destinations"]
            ]

        eventually("the new configuration is the one that runs", lambda: daemon.alive() and names() == ["a", "b", "c"])
        assert daemon.terminate() == 0, daemon.tail()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", [FIRST, SERVE_AFTER_LOADING])
def test_a_stop_of_the_way_in_before_anything_began_is_a_clean_end(
    tmp_path: Path, module: str, number: signal.Signals
) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        serving = signalled_serve(place, module, number)
        assert serving.wait() == 0, serving.tail()
        assert serving.log.read_text() == ""


@pytest.mark.parametrize("module", [FIRST, SERVE_AFTER_LOADING])
def test_a_wish_to_reload_the_way_in_that_comes_early_is_fulfilled(tmp_path: Path, module: str) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.config["sources"].append({**place.config["sources"][0], "name": "other", "inlet": "b" * 64})
        place.write().rename(tmp_path / "next.yaml")
        del place.config["sources"][-1]
        place.write()
        serving = signalled_serve(place, module, signal.SIGHUP).ready()

        def names() -> list[str]:
            names: list[str] = json.loads(fetch(f"http://127.0.0.1:{serving.port}/status")[1])["sources"]
            return names

        eventually("the new configuration is in force", lambda: serving.alive() and names() == ["crm", "other"])
        assert serving.terminate() == 0, serving.tail()
