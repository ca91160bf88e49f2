"""The status document, the socket and the metrics of real daemons (contract.md#operation)."""

from __future__ import annotations

import json
import os
import signal
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from events import Source
from harness import Place
from processes import WARM, Daemon, eventually, fetch

from exporter.cli.shared.daemon_port import get_json, post_json
from exporter.telemetry.status import status_schema


def told(where: str | Path) -> Any:
    document = get_json(where, "/status")
    jsonschema.Draft202012Validator(status_schema()).validate(document)
    return document


def url(daemon: Daemon) -> str:
    return f"http://127.0.0.1:{daemon.port}"


def test_a_daemon_tells_how_each_destination_fares(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        good, bad = place.receiver(name="good"), place.receiver("--status", "503", name="bad")
        place.destination("good", good.url, delivery={"rate": 321, "concurrency": 12})
        place.destination("bad", bad.url)
        place.write()
        source = Source(profiles=50)
        place.publish(source.make(100))
        daemon = place.daemon().ready()
        eventually("it delivers", lambda: place.settled("good"))
        eventually("it pauses", lambda: daemon.paused("bad"))
        document = told(url(daemon))
        runs = {"file": str(place.file), "group_prefix": "exporter."}
        assert document["config"] == {"valid": True, "reloaded_at": None, "problems": [], "refused_at": None} | runs
        one, other = document["destinations"]
        assert (one["destination"], other["destination"]) == ("good", "bad")
        assert (one["rate"], one["max_concurrency"]) == (321.0, 12)
        assert one["endpoint_host"] in good.url
        assert one["endpoint_host"].startswith("127.0.0.1:")
        assert document["started_at"] <= one["last_success_at"]
        assert (one["last_failure_at"], one["last_failure"]) == (None, None)
        assert 0 < one["latency"]["p50"] <= one["latency"]["p95"] <= one["latency"]["p99"] < 5
        assert other["last_success_at"] is None
        assert other["last_failure"] == "HTTP 503"
        assert document["started_at"] <= other["last_failure_at"]
        assert other["next_probe_seconds"] is not None
        assert daemon.metric("exporter_rate", "good") == 321
        assert daemon.metric("exporter_concurrency", "good") >= 1
        assert daemon.metric("exporter_config_valid") == 1
        assert daemon.metric("exporter_standby") == 0
        assert daemon.metric("process_open_fds") > 0
        assert daemon.terminate() == 0


def test_a_refused_reload_is_told_of_until_one_is_taken_over(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/", headers={"x-key": "hidden-sesame"})
        place.write()
        daemon = place.daemon().ready()
        whole = place.file.read_text()
        place.file.write_text(whole.replace("name: crm", "name: c r m") + "ops: [\n")
        daemon.send(signal.SIGHUP)
        eventually("it refuses", lambda: daemon.logs("reload refused"))
        [line] = daemon.logs("reload refused")
        config = told(url(daemon))["config"]
        assert config.pop("refused_at") > 1.6e9
        runs = {"file": str(place.file), "group_prefix": "exporter."}
        assert config == {"valid": False, "reloaded_at": None, "problems": line["problems"]} | runs
        assert "sesame" not in str(config)
        assert daemon.metric("exporter_config_valid") == 0
        assert daemon.metric("exporter_config_reloads_total", "invalid") == 1

        # The port is any that was free, and the file is no YAML: the socket beside the state is found all the same.
        shown = place.command("status")
        assert shown.returncode == 0, shown.stderr
        assert str(line["problems"][0]) in shown.stderr
        assert [words.split()[0] for words in shown.stdout.splitlines()][-2:] == ["crm", "total"]
        [flow] = place.lines("status", "--json")
        assert flow["destination"] == "crm"

        place.file.write_text(whole + "drain: 3\n")
        daemon.send(signal.SIGHUP)
        eventually("it takes over", lambda: daemon.logs("reloaded"))
        config = eventually("it says so", lambda: (now := told(url(daemon))["config"])["valid"] and now)
        assert config["problems"] == []
        assert config["reloaded_at"] > 0
        assert daemon.metric("exporter_config_reloads_total", "applied") == 1

        place.config["ops"]["port"] = daemon.port
        place.write()
        daemon.send(signal.SIGHUP)
        config = eventually("it wants a restart", lambda: not (now := told(url(daemon))["config"])["valid"] and now)
        assert config["problems"] == ["ops: needs a restart"]
        assert daemon.metric("exporter_config_reloads_total", "needs_restart") == 1
        assert daemon.terminate() == 0


def test_the_socket_is_the_owner_s_and_goes_with_the_daemon(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.write()
        path = tmp_path / "state.db.sock"
        first = place.daemon("first").ready()
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        started = told(path)["started_at"]
        assert get_json(path, "/live") == {"live": True}

        second = place.daemon("second")
        eventually("it is told of", lambda: second.logs("no socket"))
        assert second.logs("no socket")[0]["detail"] == "another process serves it"
        assert told(path)["started_at"] == started, "a living daemon's is left alone"
        second.port = second.logs("ops")[0]["port"]
        eventually("it stands by", lambda: second.metric("exporter_standby") == 1)
        assert [flow["state"] for flow in told(url(second))["destinations"]] == ["standby"]
        assert second.terminate() == 0
        assert told(path)["started_at"] == started

        first.kill()
        assert path.is_socket(), "a killed daemon leaves it"
        third = place.daemon("third").ready()
        assert told(path)["started_at"] > started
        assert third.logs("no socket") == []
        assert third.terminate() == 0
        assert not path.exists()


def test_a_daemon_without_a_socket_or_with_one_that_cannot_be_runs(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.config["ops"]["socket"] = str(tmp_path / ("x" * 150))
        place.write()
        long = place.daemon("long").ready()
        assert [line["detail"] for line in long.logs("no socket")] == ["AF_UNIX path too long"]
        assert fetch(f"{url(long)}/live")[0] == 200
        assert place.command("status", "--url", url(long)).returncode == 0
        assert long.terminate() == 0
        place.config["ops"]["socket"] = None
        place.write()
        none = place.daemon("none").ready()
        assert none.logs("no socket") == []
        assert not [each for each in tmp_path.iterdir() if each.is_socket()]
        assert none.terminate() == 0


def test_the_port_acts_with_the_token_only(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.write()
        (tmp_path / "token").write_text("open-sesame\n")
        closed = place.daemon("closed").ready()
        assert post_json(url(closed), "/destinations/crm/pause", {}, "open-sesame")[0] == 403
        assert closed.terminate() == 0
        place.config["ops"]["token"] = "open-sesame"
        place.write()
        daemon = place.daemon("open").ready()
        assert post_json(url(daemon), "/destinations/crm/pause", {}, "sesame")[0] == 401
        assert post_json(url(daemon), "/destinations/nobody/pause", {}, "open-sesame")[0] not in (401, 403)
        assert post_json(tmp_path / "state.db.sock", "/destinations/nobody/pause", {})[0] not in (401, 403)
        eventually("both are logged", lambda: len(daemon.logs("action")) == 2)
        acted = daemon.logs("action")
        assert [(line["by"], line["destination"]) for line in acted] == [("token", "nobody"), ("socket", "nobody")]
        request = urllib.request.Request(
            f"{url(daemon)}/destinations/crm/pause",
            method="POST",
            headers={"Authorization": "Bearer open-sesame", "Origin": "http://127.0.0.1:9"},
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, timeout=30)
        assert "open-sesame" not in daemon.log.read_text()
        assert daemon.terminate() == 0


def test_a_parent_answers_for_its_workers(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in ("a", "b", "c"):
            place.destination(name, "http://127.0.0.1:9/")
        place.write()
        parent = place.daemon("parent", argv=(WARM, "run", "--workers", "2"))

        def own() -> list[int]:
            return [int(line["port"]) for line in parent.logs("ready") if parent.alive() and "workers" in line]

        [parent.port] = eventually("the parent is ready", own)
        path = tmp_path / "state.db.sock"
        names = sorted(each.name for each in tmp_path.iterdir() if each.is_socket())
        assert names == ["state.db.sock", "state.db.sock.1-of-2", "state.db.sock.2-of-2"]
        document = told(path)
        assert [flow["destination"] for flow in document["destinations"]] == ["a", "b", "c"]
        assert {flow["endpoint_host"] for flow in document["destinations"]} == {"127.0.0.1:9"}

        # What the parent is asked to do reaches the worker that runs the destination.
        for name in ("a", "b", "c"):
            status, answer = post_json(path, f"/destinations/{name}/probe", {})
            assert answer["destination"] == name
            assert status != 503, answer

        def passed_on() -> list[dict[str, Any]]:
            return [line for line in parent.logs("probe") if "shard" in line]

        eventually("they are logged", lambda: len(passed_on()) == 3 and len(parent.logs("action")) >= 3)
        reached = passed_on()
        assert sorted(line["destination"] for line in reached) == ["a", "b", "c"]
        assert {line["shard"] for line in reached} == {"1/2", "2/2"}
        assert [(line["destination"], line["by"], "shard" in line) for line in parent.logs("action")] == [
            (name, "socket", False) for name in ("a", "b", "c")
        ], "one line for each action"
        assert post_json(path, "/destinations/nobody/probe", {})[0] == 404

        text = fetch(f"{url(parent)}/metrics")[1].decode()
        for shard in ("1/2", "2/2"):
            assert f'exporter_config_valid{{shard="{shard}"}} 1.0' in text
            assert f'process_open_fds{{shard="{shard}"}}' in text
        assert "\nprocess_open_fds " in text

        whole = place.file.read_text()
        place.file.write_text(whole + "drain: soon\n")
        parent.send(signal.SIGHUP)
        config = eventually("all refuse", lambda: not (now := told(path)["config"])["valid"] and now)
        assert len(config["problems"]) == 1, "what several say is said once"
        shown = place.command("status")
        assert shown.returncode == 0, shown.stderr
        assert config["problems"][0] in shown.stderr
        place.file.write_text(whole)
        parent.send(signal.SIGHUP)
        eventually("all take over", lambda: told(path)["config"]["valid"])
        assert parent.terminate() == 0
        assert not [each for each in tmp_path.iterdir() if each.is_socket()]


def test_dead_letters_are_replayed_by_a_daemon_that_only_the_socket_reaches(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url)
        place.write()
        place.publish(Source(profiles=1).make(1))
        daemon = place.daemon().ready()
        eventually("a dead letter", place.dead_letters)
        asked = place.command("deadletters", "replay", "--all", "--wait", "--json")
        assert asked.stderr == "", "the daemon was found"
        assert json.loads(asked.stdout)["failed"] == 1
        whole = place.file.read_text()
        place.file.write_text(whole + "drain: soon\n")
        asked = place.command("deadletters", "replay", "--all", "--wait", "--json")
        assert "drain: should be" in asked.stderr
        assert json.loads(asked.stdout)["failed"] == 1, "a broken configuration is in nobody's way"
        assert place.command("deadletters", "replay", "--destination", "crm", "--json").returncode == 0
        place.file.write_text(whole)
        assert daemon.terminate() == 0
        away = place.command("deadletters", "replay", "--all")
        assert "no daemon answers" in away.stderr


def _open_to_all() -> None:
    os.umask(0)


def test_umask_makes_no_difference(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/")
        place.write()
        daemon = place.daemon(before=_open_to_all).ready()
        assert stat.S_IMODE((tmp_path / "state.db.sock").lstat().st_mode) == 0o600
        assert daemon.terminate() == 0
