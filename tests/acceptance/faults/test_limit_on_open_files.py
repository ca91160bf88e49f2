"""``exporter run`` uses all open files that the system allows, and says where that is too few."""

from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

import psutil
from harness import Place


def limited(soft: int, hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_is_raised_and_too_little_of_it_is_noted(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        place.destination("crm", "http://127.0.0.1:9/", delivery={"concurrency": 1500})
        place.write()
        enough = place.daemon(before=partial(limited, 256, 4096)).ready()
        assert psutil.Process(enough.pid).rlimit(psutil.RLIMIT_NOFILE) == (4096, 4096)
        assert not enough.logs("note")
        assert enough.terminate() == 0

        short = place.daemon(before=partial(limited, 256, 1024)).ready()
        [line] = short.logs("note")
        assert "1,601" in line["detail"]
        assert "1,024" in line["detail"]
        assert short.terminate() == 0
