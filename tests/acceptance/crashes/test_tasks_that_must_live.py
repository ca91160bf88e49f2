"""A task that must live and ends all the same: the daemon recovers or ends with a reason, and says so."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from events import Source
from harness import Place
from judging import judged
from processes import WARM, Daemon, eventually, fetch

FAILING = (WARM, str(Path(__file__).with_name("failing_daemon.py")), "run")
HOW = ("error", "cancelled", "returns")
BAD = b'{"profileId": 7}'


def _started(place: Place, fail: str, how: str, *words: str) -> Daemon:
    return place.daemon(argv=(*FAILING, *words), environ={"FAIL": fail, "FAIL_BY": how})


@pytest.mark.parametrize("how", ["error", "cancelled"])
@pytest.mark.parametrize("call", ["put", "requested", "kept"])
def test_a_dataflow_that_loses_one_of_its_tasks_is_opened_anew(tmp_path: Path, call: str, how: str) -> None:
    """Of the store's calls, ``put`` is the recorder's, ``requested`` that of replays, ``kept`` the intake's."""
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=5)
        place.publish([*source.make(20), BAD])
        daemon = _started(place, f"exporter.state.dataflow_letters:DataflowLetters.{call}", how)
        eventually("it says so", lambda: daemon.alive() and daemon.logs("dataflow failed"))
        [line] = daemon.logs("dataflow failed")
        assert (line["reason"], line["level"]) == ("bug", "error")
        assert ("PermissionError" if how == "error" else "not by us") in line["detail"]
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        daemon.ready()
        eventually("it is ready", lambda: fetch(f"http://127.0.0.1:{daemon.port}/ready")[0] == 200)
        assert daemon.terminate() == 0, daemon.tail()
        assert judged("crm", source.made, receiver.received()).sound


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("task", ["heartbeat", "watch"])
def test_what_can_begin_anew_does(tmp_path: Path, task: str, how: str) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        daemon = _started(place, f"exporter.daemon.daemon:{task}", how).ready()
        assert len(daemon.logs("task failed")) == 1
        source = Source(profiles=5)
        place.publish(source.make(20))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert daemon.terminate() == 0, daemon.tail()


@pytest.mark.parametrize("how", HOW)
def test_without_what_reloads_the_daemon_drains_and_ends_with_1(tmp_path: Path, how: str) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        daemon = _started(place, "exporter.daemon.daemon:reload_for_ever", how)
        assert daemon.wait() == 1
        [line] = daemon.logs("task failed")
        assert line["task"] == "reloading"
        [stopped] = daemon.logs("stopped")
        assert stopped["committed"] is True
        assert "Traceback" not in daemon.tail()


@pytest.mark.parametrize("task", ["upkeep:Upkeep", "commits:Commits"])
def test_without_a_task_of_the_queue_it_recovers_or_ends_with_a_reason(tmp_path: Path, task: str) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        source = Source(profiles=5)
        place.publish(source.make(20))
        daemon = _started(place, f"exporter.queues.journal.{task}.run", "error")
        eventually("it recovers or ends", lambda: daemon.exit_code is not None or place.settled("crm"))
        if place.settled("crm"):
            assert any("Permission denied" in str(line) for line in daemon.logs())
            assert daemon.terminate() in (0, 1)
            return
        assert daemon.wait() == 1
        [line] = daemon.logs("ended by a bug")
        assert line["level"] == "error"
        assert "PermissionError" in line["detail"]
        assert "Permission denied" in line["detail"]
        assert "Traceback" not in daemon.log.read_text()
        again = place.daemon().ready()
        eventually("all is settled", lambda: again.alive() and place.settled("crm"))
        assert again.terminate() == 0
        assert judged("crm", source.made, receiver.received()).sound


def test_a_configuration_that_cannot_be_read_for_a_bug_leaves_the_old_one_going(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        daemon = place.daemon().ready()
        # Deeper than the interpreter allows: no mistake of this kind is foreseen.
        place.file.write_text("queue: " + "[" * 20_000)
        daemon.send(signal.SIGHUP)
        eventually("it refuses", lambda: daemon.alive() and daemon.logs("reload refused"))
        source = Source(profiles=5)
        place.publish(source.make(20))
        eventually("the old one goes on", lambda: daemon.alive() and receiver.delivered() == 20)
        assert daemon.terminate() == 0, daemon.tail()


@pytest.mark.parametrize("how", ["error", "cancelled"])
@pytest.mark.parametrize("call", ["parent:Workers._look", "worker:Worker._run_process"])
def test_a_parent_that_loses_a_task_of_its_own_goes_on(tmp_path: Path, call: str, how: str) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.destination("shop", receiver.url)
        place.write()
        daemon = _started(place, f"exporter.daemon.workers.{call}", how, "--workers", "2").ready()
        assert any("Permission" in str(line) or "not by us" in str(line) for line in daemon.logs())
        source = Source(profiles=5)
        place.publish(source.make(20))
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm", "shop"))
        assert daemon.terminate() == 0, daemon.tail()
