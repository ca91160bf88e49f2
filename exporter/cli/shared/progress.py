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
def progress(label: str, total: int | None) -> Iterator[Advance]:
    """Yield a function to report progress to, of ``total`` in all; nothing is shown unless stderr is a terminal.

    ``total`` is None where bytes are read of which nobody knows how many will come.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
    elif total is None:
        counted = 0

        def count(done: int) -> None:
            nonlocal counted
            counted += done
            typer.echo(f"\r{label}: {counted / 1024**2:.1f} MiB", err=True, nl=False)

        yield count
        typer.echo(err=True)
    else:
        with typer.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update
