"""Progress of long work on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress

#: Called with how much more is done.
Advance: TypeAlias = Callable[[int], None]
#: Called with how much is done, and of how much.
Reach: TypeAlias = Callable[[int, int], None]


def note(text: str) -> None:
    """Print a line on stderr, above the progress where that is shown."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Advance]:
    """Yield a function to report progress to, of ``total`` in all; nothing is shown unless stderr is a terminal.

    ``total`` is None where bytes are read of which nobody knows how many will come.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with _bar() if total is not None else _counter() as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def progress_to(label: str, done: int, total: int) -> Iterator[Reach]:
    """As ``progress`` on a terminal, for work whose end moves."""
    with _bar() as bar:
        task = bar.add_task(label, total=total, completed=done)
        yield lambda now, most: bar.update(task, completed=now, total=most)


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from exporter.cli.shared.look.screen import standard_error

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    return Progress(*columns, console=standard_error().console)


def _counter() -> Progress:
    from rich.progress import FileSizeColumn, Progress, TextColumn

    from exporter.cli.shared.look.screen import standard_error

    columns = (TextColumn("{task.description}:"), FileSizeColumn())
    return Progress(*columns, console=standard_error().console)
