"""How the exporter starts itself again: with this very Python and this very package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import exporter


def command(*arguments: str) -> Sequence[str]:
    """The command line of a subcommand; it goes with ``environment``.

    ``-P``: else an ``exporter`` in the current folder would come first, which may be another version or, where this one
    is compiled, plain Python.
    """
    return (sys.executable, "-P", "-m", "exporter", *arguments)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ``, in which this package is found first, wherever it was found for this process."""
    places = [str(Path(exporter.__file__).parents[1]), *filter(None, [environ.get("PYTHONPATH")])]
    return {**environ, "PYTHONPATH": os.pathsep.join(places)}
