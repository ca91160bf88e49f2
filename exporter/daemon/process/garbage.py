"""The garbage collector: objects from the start stay, and of a long-running process most later objects go.

Measured with ``benchmarks/pipeline.py``: about 2 µs of 27 an event, since exports are not garbage until settled, and
looking at thousands of exports again and again finds nothing.
"""

from __future__ import annotations

import gc


def look_rarely() -> None:
    """Let the collector look less often: at a start it finds nothing, in an eighth of the start's processor time."""
    gc.set_threshold(50_000, 20, 100)


def freeze_after_start() -> None:
    """Take every living object out of the collector's sight, and let the collector ``look_rarely``."""
    gc.collect()
    gc.freeze()
    look_rarely()


def collect() -> None:
    """Free what a reload has left in cycles, which between rare collections would add up.

    The garbage is half a megabyte a reload, without the windows, which are in no cycle (``Dataflow.let_go``). With
    windows in cycles each reload left the contents of its windows; with neither, memory is the same after 40 reloads as
    after 5, so nothing is left to be trimmed.
    """
    gc.collect()
