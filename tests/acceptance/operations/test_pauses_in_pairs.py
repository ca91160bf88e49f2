"""In the log of a real daemon each `paused` has its `resumed`, whatever ends the dataflow meanwhile."""

from __future__ import annotations

import signal
from pathlib import Path

from events import Source
from harness import Place
from processes import Daemon, eventually


def told(daemon: Daemon) -> list[tuple[str, str, str]]:
    return [
        (line["destination"], line["reason"], line["event"])
        for line in daemon.logs()
        if line["event"] in ("paused", "resumed")
    ]


def test_a_reload_and_a_stop_during_pauses_leave_none_open(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        crm = place.destination("crm", "http://127.0.0.1:9/")
        place.destination("web", "http://127.0.0.1:9/")
        place.write()
        place.publish(Source(profiles=10).make(20))
        daemon = place.daemon().ready()
        eventually("both are paused", lambda: len(told(daemon)) == 2)
        assert place.command("pause", "crm", "--why", "they move").returncode == 0
        eventually("by hand, too", lambda: daemon.paused("crm") == {"operator", "unreachable"})
        crm["delivery"]["rate"] = 500
        place.write()
        daemon.send(signal.SIGHUP)
        eventually("the reload is done", lambda: daemon.logs("reloaded"))
        assert daemon.terminate() == 0
        of_crm = [(reason, event) for name, reason, event in told(daemon) if name == "crm"]
        assert of_crm == [
            ("unreachable", "paused"),
            ("operator", "paused"),
            ("unreachable", "resumed"),
            ("operator", "resumed"),
            ("operator", "paused"),
            ("operator", "resumed"),
        ]
        assert [line[1:] for line in told(daemon) if line[0] == "web"] == [
            ("unreachable", "paused"),
            ("unreachable", "resumed"),
        ]
        by_hand = [line for line in daemon.logs() if line.get("reason") == "operator"]
        assert all("they move" in line["detail"] for line in by_hand)
        assert "stays" in by_hand[-1]["why"]
