"""Files vanish, or may not be touched, under a serving process: it says so, takes what it can, and loses nothing.

Once they are back, it goes on without a restart, and says that, too, whether or not a record comes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Place
from processes import EXPORTER, Daemon, eventually, fetch
from serving import ATTRIBUTES, Sender, connected, idle, post, settled, way_in

#: Root passes every check of permissions by a capability; without it, root is like anybody else.
LIKE_ANYBODY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
HINDERED = {"intake": "applying records", "profiles": "telling changes", "state": "keeping bad records"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as place:
        data = tmp_path / "data"
        way_in(place)
        for part in ("queue", "state", "intake", "profiles"):
            place.config[part]["path"] = str(data / f"{part}.db")
        place.write()
        try:
            yield place
        finally:
            if data.exists():
                data.chmod(0o700)


def ready(serving: Daemon) -> bool:
    return fetch(f"http://127.0.0.1:{serving.port}/ready")[0] == 200


def serve(place: Place) -> Daemon:
    return place.daemon("serve", argv=(*LIKE_ANYBODY, *EXPORTER, "serve"))


@pytest.mark.parametrize("part", list(HINDERED))
def test_a_file_that_is_taken_away_from_an_idle_process_is_missed_until_it_is_back(place: Place, part: str) -> None:
    serving = serve(place).ready()
    with connected(place) as connection:
        assert post(connection, {"id": "p-1", "n": 1, "name": "Ada"})[0] == 200
        eventually("it is applied", lambda: serving.alive() and idle(serving))
        file = place.folder / "data" / f"{part}.db"
        aside = file.rename(file.with_name("aside.db"))
        eventually("it is not ready", lambda: serving.alive() and not ready(serving), seconds=15)
        [line] = eventually(
            "it is logged", lambda: [each for each in serving.logs("waiting") if each["reason"] == HINDERED[part]]
        )
        assert line["detail"].startswith(f"{file} was removed while it was open: put it back, or start the exporter")
        aside.rename(file)
        eventually("it is ready again", lambda: serving.alive() and ready(serving))
        eventually("that is logged", lambda: HINDERED[part] in [each["reason"] for each in serving.logs("goes on")])
        assert post(connection, {"id": "p-1", "n": 2, "name": "Ada"})[0] == 200
        eventually("it is applied", lambda: serving.alive() and idle(serving))
    assert serving.metrics()["exporter_source_records_total{raw,applied}"] == 2
    assert serving.terminate() == 0


@pytest.mark.skipif(bool(LIKE_ANYBODY) and shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_folder_that_may_not_be_looked_into_for_a_while_ends_and_loses_nothing(place: Place) -> None:
    receiver = place.receiver()
    place.destination("crm", receiver.url, require_membership=False, attributes=ATTRIBUTES)
    place.write()
    serving = serve(place).ready()
    exporting = place.daemon().ready()
    sender = Sender(place, ["p-1", "p-2"], 200)
    sender.start()
    eventually("some are taken", lambda: len(sender.answered) > 20)
    data = place.folder / "data"
    data.chmod(0)
    eventually("it is not ready", lambda: serving.alive() and not ready(serving))
    data.chmod(0o700)
    eventually("it is ready", lambda: serving.alive() and ready(serving))
    sender.join()
    settled(place, serving, "crm")
    assert len(sender.answered) == 400
    seen = [json.loads(each.body)["_acme"] for each in receiver.received()]
    for profile in ("p-1", "p-2"):
        # What was answered 503 may have been kept, and was sent again.
        states = dict.fromkeys(each["state"] for each in seen if each["profile"] == profile)
        assert list(states) == list(range(1, 201))
    assert (serving.terminate(), exporting.terminate()) == (0, 0)
    assert not serving.logs("task failed")
