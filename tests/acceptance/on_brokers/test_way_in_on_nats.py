"""The way in with intake and queue on NATS JetStream: a backfill across kills, and a stream that loses its end."""

from __future__ import annotations

import shutil
from pathlib import Path

from broker_way_in import a_backfill_is_told_once
from brokers import Kind, NatsBroker
from harness import Place
from processes import eventually
from serving import connected, idle, post, serve, way_in

KIND: Kind = "nats"


def test_a_backfill_is_told_once_whatever_is_killed(tmp_path: Path, broker: NatsBroker) -> None:
    a_backfill_is_told_once(tmp_path, broker)


def test_an_intake_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    """As after a power cut: what the servers had not synced is gone, and its positions would be given again."""
    folder = tmp_path / "nats"
    folder.mkdir()
    broker = NatsBroker(folder)
    broker.start()
    try:
        with Place(tmp_path) as place:
            way_in(place)
            place.config["intake"] = broker.section()
            place.write()
            _five_records(place)
            broker.server.stop()
            shutil.copytree(folder / "store", tmp_path / "copy")
            broker.start()
            _five_records(place)
            broker.server.stop()
            shutil.rmtree(folder / "store")
            shutil.copytree(tmp_path / "copy", folder / "store")
            broker.start()
            refused = serve(place)
            assert refused.wait() == 78
            [line] = refused.logs("refused")
            assert "it ends with record 5, and profiles have applied it up to 10" in line["detail"]
            assert "name another stream" in line["detail"]
            # The way on that the line names.
            place.config["intake"] |= {"stream": "another"}
            place.write()
            _five_records(place)
    finally:
        broker.kill()


def _five_records(place: Place) -> None:
    """Take five records, and apply them."""
    serving = serve(place).ready()
    with connected(place) as connection:
        for number in range(5):
            assert post(connection, {"id": f"p{number}", "n": 1, "name": "Ada"})[0] == 200
    eventually("all is applied", lambda: serving.alive() and idle(serving))
    assert serving.metric("exporter_source_records_total", "raw", "applied") == 5
    assert serving.terminate() == 0
