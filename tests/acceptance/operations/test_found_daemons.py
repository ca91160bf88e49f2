"""Commands find the daemon of their configuration, and no other one (contract.md#the-command)."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import Place
from processes import WARM, Daemon, eventually

from exporter.cli.shared.daemon_port import get_json


def said(place: Place, *words: str, config: Path | None = None) -> str:
    """What a command prints that goes well."""
    done = place.command(*words, config=config)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def flow(daemon: Daemon, destination: str) -> Any:
    found = get_json(f"http://127.0.0.1:{daemon.port}", "/status")["destinations"]
    return next(each for each in found if each["destination"] == destination)


def with_prefix(place: Place, prefix: str) -> dict[str, Any]:
    return {"queue": {**place.config["queue"], "group_prefix": prefix}}


def test_two_configurations_that_share_a_state_each_have_their_own_daemon(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("a", "http://127.0.0.1:9/")
        one = place.daemon("A", own=with_prefix(place, "A.")).ready()
        two = place.daemon("B", own=with_prefix(place, "B.")).ready()
        [told] = two.logs("no socket")
        assert told["path"] == str(tmp_path / "state.db.sock")
        assert Path(told["instead"]).is_socket()
        assert "a is paused" in said(place, "pause", "a", "--why", "for B", config=two.config)
        assert flow(two, "a")["operator"]["why"] == "for B"
        assert flow(one, "a")["operator"] is None
        [shown] = place.lines("status", "--json", config=two.config)
        assert shown["operator"]["why"] == "for B"
        [shown] = place.lines("status", "--json", config=one.config)
        assert shown["operator"] is None

        # Its text is broken, and it is still the one that is asked.
        two.config.write_text(two.config.read_text() + "drain: [\n")
        assert "goes on" in said(place, "resume", "a", config=two.config)
        assert two.terminate() == 0
        again = place.command("status", config=two.config)
        assert again.returncode == 78
        assert f"runs another configuration, {one.config}" in again.stderr
        assert one.terminate() == 0


def test_a_parent_asks_its_own_workers(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("a", "http://127.0.0.1:9/")
        place.destination("b", "http://127.0.0.1:9/")
        workers = (WARM, "run", "--workers", "2")
        one, two = (place.daemon(name, workers, own=with_prefix(place, f"{name}.")) for name in ("A", "B"))
        for daemon in (one, two):
            daemon.ready()
        for name in ("a", "b"):
            assert f"{name} is paused" in said(place, "pause", name, config=two.config)
        acted = [line for line in two.logs("action") if "shard" not in line]
        assert [(line["destination"], line["done"]) for line in acted] == [("a", True), ("b", True)]
        assert [(line["destination"], line["reason"]) for line in two.logs("paused")] == [
            ("a", "operator"),
            ("b", "operator"),
        ]
        assert one.logs("action") == []
        assert one.terminate() == 0
        assert two.terminate() == 0


def test_shares_are_found_and_asked_together(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        for name in ("a", "b", "c"):
            place.destination(name, receiver.url)
        place.write()
        shares = [place.daemon(f"share{n}", argv=(WARM, "run", "--shard", f"{n}/2")).ready() for n in (1, 2)]
        shown = place.lines("status", "--json")
        assert sorted(each["destination"] for each in shown) == ["a", "b", "c"]
        for name in ("a", "b", "c"):
            assert f"{name} is paused" in said(place, "pause", name)
            done = [line for share in shares for line in share.logs("action") if line["destination"] == name]
            assert [line["done"] for line in done] == [True], "by the one that runs it, over its socket"
        asked = place.command("send", "--to", "c", "--test", "--json")
        assert "c is paused (operator, paused for " in json.loads(asked.stdout)["detail"], asked.stderr

        # One is away: what it runs is resumed in the state.
        gone = next(share for share in shares if any(line["destination"] == "c" for line in share.logs("action")))
        gone.kill()
        assert "c" not in [each["destination"] for each in place.lines("status", "--json")]
        assert "goes on" in said(place, "resume", "c")


def test_a_text_that_says_nothing_of_the_state_has_the_default_s_socket() -> None:
    # pytest's folder has too long a path for a socket beside the state.
    with TemporaryDirectory() as short, Place(folder := Path(short) / "config") as place:
        folder.mkdir()
        place.destination("crm", "http://127.0.0.1:9/")
        del place.config["state"]
        whole = place.write().read_text()
        daemon = place.daemon().ready()
        # The folder is made with the state, and the socket in it a moment later.
        eventually("its socket is there", lambda: daemon.alive() and any((Path(short) / "data").glob("*.sock")))
        place.file.write_text("drain: [\n" + whole)
        assert "crm is paused" in said(place, "pause", "crm")
        [shown] = place.lines("status", "--json")
        assert shown["paused"] == ["operator"]
        (other := folder / "other.yaml").write_text(place.file.read_text())
        refused = place.command("pause", "crm", config=other)
        assert refused.returncode == 78
        assert f"runs another configuration, {place.file}" in refused.stderr
        assert daemon.terminate() == 0
