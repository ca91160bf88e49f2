"""``exporter run --workers``: a parent that is killed leaves nothing behind and loses nothing."""

from __future__ import annotations

from pathlib import Path

import psutil
from events import Source
from harness import Place
from judging import judged
from processes import EXPORTER, eventually

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
