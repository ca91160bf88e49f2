"""A task of ``exporter serve`` that must live and ends all the same: the process ends with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Place
from processes import WARM, eventually
from serving import connected, idle, post, serve, way_in

FAILING = (WARM, str(Path(__file__).parent.parent / "crashes" / "failing_daemon.py"), "serve")
SERVING, SOURCE = "exporter.daemon.serving", "exporter.source"


@pytest.mark.parametrize(
    ("task", "how"),
    [
        *((f"{SOURCE}.processing.processor:Processor.run", how) for how in ("error", "cancelled", "returns")),
        (f"{SOURCE}.processing.telling:Teller.run", "returns"),
        (f"{SOURCE}.processing.telling:Teller.run", "cancelled"),
        (f"{SOURCE}.processing.expiring:Expiring.run", "returns"),
        (f"{SOURCE}.backfills.backfilling:Backfilling.run", "returns"),
        (f"{SOURCE}.collection.intake:Intake.run", "returns"),
        (f"{SOURCE}.processing.refused:RefusedElements.run", "error"),
        (f"{SERVING}.server:take_over_for_ever", "returns"),
        (f"{SERVING}.hindrances:Hindrances.run", "cancelled"),
    ],
)
def test_without_one_of_its_tasks_it_ends_with_a_reason(tmp_path: Path, task: str, how: str) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        serving = place.daemon(argv=FAILING, environ={"FAIL": task, "FAIL_BY": how})
        assert serving.wait() == 1
        [line] = [*serving.logs("task failed"), *serving.logs("ended by a bug")]
        assert line["level"] == "error"
        assert {"error": "PermissionError", "cancelled": "not by us", "returns": "by itself"}[how] in line["detail"]
        assert "Traceback" not in serving.log.read_text()
        serving = serve(place).ready()
        with connected(place) as connection:
            assert post(connection, {"id": "p-1", "n": 1, "name": "Ada"})[0] == 200
        eventually("it is applied", lambda: serving.alive() and idle(serving))
        assert serving.terminate() == 0
