"""How the exporter starts itself again: with the same Python and the same package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import exporter


def command(*arguments: str) -> Sequence[str]:
    """The command line of a subcommand; the process also needs ``environment``.

    ``-P``: otherwise an ``exporter`` in the current folder would come first, perhaps a different version or, where the
    running package is compiled, plain Python.
    """
    return (sys.executable, "-P", "-m", "exporter", *arguments)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ``, changed so that the running package is found first, wherever this process found the package."""
    places = [str(Path(exporter.__file__).parents[1]), *filter(None, [environ.get("PYTHONPATH")])]
    return {**environ, "PYTHONPATH": os.pathsep.join(places)}
