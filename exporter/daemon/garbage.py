"""The garbage collector of a long-running process: what is there after the start stays, what comes mostly goes.

Measured with ``benchmarks/pipeline.py``: about 2 µs of 27 an event, since exports are not garbage until they are
settled, and looking at thousands of them again and again finds nothing.
"""

from __future__ import annotations

import gc


def settle_down() -> None:
    """Take everything that lives now out of the collector's sight, and let it look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def collect() -> None:
    """Free what a reload has left in cycles, which between rare collections would add up.

    It is half a megabyte of each: windows are in none (``Dataflow.let_go``). With them each reload left what was in
    its windows, and with neither memory is the same after 40 as after 5, so nothing is left to be trimmed.
    """
    gc.collect()
