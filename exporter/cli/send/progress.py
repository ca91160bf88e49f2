"""A progress bar on stderr, for people who watch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

#: Called with the number of further bytes that are done.
Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total_bytes: int | None) -> Iterator[Advance]:
    """Yield a function to report progress to; shows nothing unless stderr is a terminal.

    ``total_bytes`` is None where the total is unknown.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
    elif total_bytes is None:
        counted = 0

        def count(done: int) -> None:
            nonlocal counted
            counted += done
            typer.echo(f"\r{label}: {counted / 1024**2:.1f} MiB", err=True, nl=False)

        yield count
        typer.echo(err=True)
    else:
        with typer.progressbar(length=total_bytes, label=label, file=sys.stderr) as bar:
            yield bar.update
