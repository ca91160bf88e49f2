"""The section ``log``: a reload takes its level over, the flags of the command win."""

from __future__ import annotations

import signal
from pathlib import Path

from harness import Place
from processes import EXPORTER, eventually


def test_a_reload_takes_the_level_over_and_says_that_the_format_waits(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.write()
        daemon = place.daemon().ready()
        place.config["log"] = {"level": "warning", "format": "text"}
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("the format waits", lambda: daemon.alive() and daemon.logs("needs a restart"))
        [told] = daemon.logs("needs a restart")
        assert told["keys"] == ["log.format"]
        assert len(daemon.logs("reloaded")) == 1
        place.config["log"] = {"level": "info", "format": "json"}
        place.write()
        daemon.send(signal.SIGHUP)

        def heard_again() -> bool:
            daemon.send(signal.SIGHUP)
            return daemon.alive() and len(daemon.logs("reloaded")) > 1

        eventually("it logs what is of the level info again", heard_again)
        assert daemon.terminate() == 0
        assert daemon.logs("stopped")


def test_the_flags_win(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.config["log"] = {"level": "error", "format": "text"}
        place.write()
        daemon = place.daemon(argv=(*EXPORTER, "run", "--log-level", "info", "--log-format", "json")).ready()
        assert daemon.terminate() == 0
        assert daemon.logs("stopped")


def test_without_flags_it_is_as_configured(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.config |= {"log": {"level": "error", "format": "text"}, "ops": {"host": "127.0.0.1", "port": 70_000}}
        place.write()
        assert place.command("run").returncode == 78
        place.config |= {"log": {"level": "error", "format": "text"}, "ops": {"host": "192.0.2.1", "port": 0}}
        place.write()
        refused = place.command("run")
        assert refused.returncode == 1
        assert "cannot start" in refused.stderr
        assert not refused.stderr.startswith("{")
        assert "starting" not in refused.stderr
