"""Whether this exporter is compiled where every event passes, or plain Python throughout."""

from __future__ import annotations


def compiled() -> bool:
    """Whether the compiled build runs (``hatch_build.py``).

    This file is compiled together with the others, into one library, so where it was loaded from speaks for them.
    """
    return not __file__.endswith(".py")
