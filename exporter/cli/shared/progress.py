"""Progress of long work on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import typer

#: Called with how much more is done.
Advance: TypeAlias = Callable[[int], None]


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Yield a function to report progress to, of ``total`` in all; nothing is shown unless stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
    else:
        with typer.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update
