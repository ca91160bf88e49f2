"""Files with personal data that one command writes and another reads: for their owner alone, and whole or not there."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from exporter.cli.shared.interrupts import ended_by_exception
from exporter.cli.shared.queue import fail

#: Stands for stdin and stdout.
_STANDARD: Final = Path("-")


def refuse_to_replace(file: Path, *, force: bool) -> None:
    """Exit with 1 where ``file`` is there, unless ``force``."""
    if file.is_file() and not force:
        fail(f"{file} is there already: --force replaces it")


@contextmanager
def opened(file: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The open file, and how many bytes it has; 0 of stdin, whose end is not known."""
    if file == _STANDARD:
        yield sys.stdin.buffer, 0
    else:
        with file.open("rb") as lines:
            yield lines, os.fstat(lines.fileno()).st_size


@contextmanager
def written(file: Path) -> Iterator[IO[bytes]]:
    """What becomes ``file``, with mode 0600, once all is written; stdout, a pipe or a device is written at once."""
    if file == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif file.exists() and not file.is_file():  # a pipe, or a device
        with file.open("wb") as out:
            yield out
    else:
        with _in_place_of(Path(os.path.realpath(file))) as out:
            yield out


@contextmanager
def _in_place_of(file: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``file`` when all is written and on the disk; else there is none of it."""
    # Personal data: for nobody else to read, which is how this makes files.
    descriptor, beside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with ended_by_exception(), os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(descriptor)
        os.replace(beside, file)  # noqa: PTH105 - the name is text
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108 - the name is text
        raise
