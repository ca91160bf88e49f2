"""Whether the exporter is compiled where every event passes, or plain Python throughout."""

from __future__ import annotations


def compiled() -> bool:
    """Whether the compiled build runs (``hatch_build.py``).

    All compiled files share a library with ``compilation.py``, so the suffix of ``__file__`` holds for all.
    """
    return not __file__.endswith(".py")
