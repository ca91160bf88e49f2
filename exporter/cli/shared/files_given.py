"""Files that a command is given to read."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer


def refuse_unless_file(file: Path) -> None:
    """Exit with 2 where ``file``, an argument FILE, cannot be read or is a folder."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        reason = f"{file} cannot be read: {error.strerror or 'unknown error'}"
        raise typer.BadParameter(reason, param_hint="FILE") from None
    if stat.S_ISDIR(mode):
        raise typer.BadParameter(f"{file} is a folder", param_hint="FILE")


def total_bytes(files: Sequence[Path]) -> int | None:
    """The number of bytes to read; None unless all files are plain files."""
    return sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """While ``file``, an argument FILE, is read by ``events_in``: exit with 2 where it cannot be, or never ends."""
    from exporter.cli.events.event_file import Endless

    try:
        yield
    except BrokenPipeError:  # of what is printed meanwhile
        raise
    except Endless as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise typer.BadParameter(f"{file} cannot be read: {reason}", param_hint="FILE") from None
