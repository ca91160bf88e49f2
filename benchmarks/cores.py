"""The use of cores: the daemon has a core for itself; the receiver, the publisher and a broker share the rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

_ON_ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(',')]); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


@contextmanager
def core_for_the_daemon() -> Iterator[int | None]:
    """Keep the process and its future children off a core, and yield that core; None where that can't be done.

    The platform must pin processes and have two cores.
    """
    if not hasattr(os, "sched_setaffinity") or len(before := os.sched_getaffinity(0)) < 2:
        yield None
        return
    core = max(before)
    os.sched_setaffinity(0, before - {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


def pinned(argv: Sequence[str], *cores: int | None) -> list[str]:
    """``argv`` on ``cores`` alone; the new process is pinned before becoming ``argv``."""
    wanted = ",".join(str(core) for core in cores if core is not None)
    return [sys.executable, "-c", _ON_ONE_CORE, wanted, *argv] if wanted else [*argv]


def busy_seconds() -> float:
    """How long the cores that the process may use have worked so far, for all processes, added up."""
    each = psutil.cpu_times(percpu=True)
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(each))
    return sum(sum(each[core]) - each[core].idle - getattr(each[core], "iowait", 0.0) for core in mine)
