"""``exporter run --workers``: a parent that is killed leaves nothing behind and loses nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
from events import Source
from harness import Place
from judging import judged
from processes import EXPORTER, PATIENCE_SECONDS, eventually

NAMES = [f"crm-{number}" for number in range(4)]


def test_workers_end_with_a_parent_that_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver("--latency", "0.02")
        for name in NAMES:
            place.destination(name, receiver.url, delivery={"rate": 300})
        place.write()
        source = Source(profiles=100)
        place.publish(source.make(2_000))
        daemon = place.daemon(argv=(*EXPORTER, "run", "--workers", "2")).ready()
        eventually("they deliver", lambda: receiver.delivered() >= 400)
        orphans = psutil.Process(daemon.pid).children()
        daemon.kill()
        try:
            _, alive = psutil.wait_procs(orphans, timeout=20)
            assert not alive, "workers outlived their parent"
        finally:
            for orphan in orphans:
                if orphan.is_running():
                    orphan.kill()
        assert not place.settled(*NAMES), "the kill came after the load"
        again = place.daemon(argv=(*EXPORTER, "run", "--workers", "2")).ready()
        eventually("all is settled", lambda: again.alive() and place.settled(*NAMES))
        assert again.terminate() == 0
        received = receiver.received()
        for name in NAMES:
            judgement = judged(name, source.made, received)
            assert judgement.sound, str(judgement)
            assert judgement.delivered == 2_000


def test_a_worker_whose_parent_went_before_it_had_a_port_ends_cleanly(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        for name in NAMES:
            place.destination(name, "http://127.0.0.1:9/")
        words = ("run", "--config", str(place.write()), "--shard", "1/2")
        announcing, announced = os.pipe()
        hearing, living = os.pipe()
        for end in (announcing, living):
            os.close(end)
        try:
            done = subprocess.run(
                [*EXPORTER, *words, "--announce", str(announced), "--parent", str(hearing)],
                pass_fds=(announced, hearing),
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        finally:
            os.close(announced)
            os.close(hearing)
        assert done.returncode == 0, done.stderr
        assert "parent gone" in done.stderr
