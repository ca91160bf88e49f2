"""Writes dead letters to a file, and stores the dead letters of such a file."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import typer

from exporter.cli.deadletters.carried import NoLetter, letter_in, line_of
from exporter.cli.shared.carried_files import opened, refuse_to_replace, written
from exporter.cli.shared.letters import PAGE, with_state
from exporter.cli.shared.look.progress import Advance, progress
from exporter.cli.shared.queue import fail
from exporter.sections.printable import agreeing, counted, printable

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.state.dead_letters import DeadLetters
    from exporter.state.letter import Filter, NewLetter

#: As soon as so many bytes were read, they are stored.
_BYTES: Final = 4 * 1024**2
_MISTAKES_SHOWN: Final = 20


def export_letters(settings: Settings, which: Filter, file: Path, *, force: bool) -> None:
    """Write the letters that ``which`` means to ``file``, and say how many.

    Exits with 1 where that cannot be done; then what was there before stands there still.
    """
    refuse_to_replace(file, force=force)

    async def write(letters: DeadLetters) -> int:
        done = after = 0
        with written(file) as out, progress("exporting", await letters.count(which)) as advance:
            while page := await letters.page(which, after=after, limit=PAGE):
                for summary in page:
                    # None: it was delivered or purged meanwhile.
                    if (letter := await letters.letter(summary.id)) is not None:
                        out.write(line_of(letter) + b"\n")
                        done += 1
                after = page[-1].id
                advance(len(page))
        return done

    try:
        if settings.state.exists():
            done = with_state(settings.state, "dead letters", lambda state: write(state.letters), nothing=0)
        else:
            with written(file):
                done = 0
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    typer.echo(f"{counted(done, 'dead letter')} exported", err=True)


def import_letters(settings: Settings, file: Path, *, as_json: bool) -> None:
    """Store the letters of ``file`` that are not there yet, and say how many.

    Exits with 1 where a line is no letter, and then nothing is stored; also where a destination has no room for more.
    """
    try:
        with _twice(file) as (lines, total):
            found = _checked(lines, str(file))
            lines.seek(0)
            stored, known, full = _stored(settings, lines, found, total)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if as_json:
        typer.echo(json.dumps({"stored": stored, "known": known}))
    else:
        left = f"; {known} left out, which {agreeing(known, 'was', 'were')} there already" if known else ""
        typer.echo(f"{counted(stored, 'dead letter')} stored{left}")
    if full is not None:
        fail(
            f"the dead letters of {printable(full)} have no room for more (dead_letters_max_bytes): what follows was "
            "not stored; the same import goes on with it once there is room"
        )


def _checked(lines: IO[bytes], name: str) -> int:
    """How many letters there are. Exits with 1 where a line is none, after naming the first of them."""
    found = 0
    mistakes: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            letter_in(line)
            found += 1
        except NoLetter as error:
            mistakes.append(f"{name}:{number} is no exported dead letter: {printable(str(error))}")
    for mistake in mistakes[:_MISTAKES_SHOWN]:
        typer.echo(f"error: {mistake}", err=True)
    if mistakes:
        more = f", {len(mistakes) - _MISTAKES_SHOWN} of them not shown" if len(mistakes) > _MISTAKES_SHOWN else ""
        fail(f"nothing was stored: {counted(len(mistakes), 'line is', 'lines are')} malformed{more}")
    return found


def _stored(settings: Settings, lines: IO[bytes], found: int, total: int) -> tuple[int, int, str | None]:
    """How many letters were stored, how many were there, and the destination whose letters are full, if one is."""
    from exporter.settings.delivery import Delivery

    rooms = {each.name: int(each.delivery.dead_letters_max_bytes) for each in settings.destinations}
    usual = int(Delivery().dead_letters_max_bytes)
    strangers: set[str] = set()

    async def all_of_it(letters: DeadLetters) -> tuple[int, int, str | None]:
        with progress("importing", total) as advance:
            return await store(letters, advance)

    async def store(letters: DeadLetters, advance: Advance) -> tuple[int, int, str | None]:
        stored = known = 0
        for batch, size in _batches(lines):
            name = batch[0].destination
            if name not in rooms:
                strangers.add(name)
            restored = await letters.restore(batch, rooms.get(name, usual))
            stored, known = stored + restored.stored, known + restored.known
            if restored.full:
                return stored, known, name
            advance(size)
        return stored, known, None

    if not found:
        return 0, 0, None
    nothing: tuple[int, int, str | None] = (0, 0, None)
    result = with_state(
        settings.state, "dead letters", lambda state: all_of_it(state.letters), nothing=nothing, make=True
    )
    if strangers:
        names = ", ".join(map(printable, sorted(strangers)))
        typer.echo(f"note: the configuration has no such destination, and nothing sends letters of {names}", err=True)
    return result


def _batches(lines: IO[bytes]) -> Iterator[tuple[Sequence[NewLetter], int]]:
    """Letters of one group each, and how many bytes of the file they are."""

    def of_one(each: tuple[NewLetter, int]) -> tuple[str, str]:
        return each[0].destination, each[0].group

    for together in _together(lines):
        # In the file, letters of all destinations stand in the order in which they were given up.
        for _, of_group in groupby(sorted(together, key=of_one), of_one):
            letters, sizes = zip(*of_group, strict=True)
            yield letters, sum(sizes)


def _together(lines: IO[bytes]) -> Iterator[Sequence[tuple[NewLetter, int]]]:
    """Some letters at a time, each with the bytes of its line."""
    some: list[tuple[NewLetter, int]] = []
    size = 0
    for line in lines:
        if not line.strip():
            continue
        some.append((letter_in(line), len(line)))
        size += len(line)
        if len(some) == PAGE or size >= _BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


@contextmanager
def _twice(file: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The open file, which can be read twice, and how many bytes it has."""
    with opened(file) as (lines, total):
        if lines.seekable() and total:
            yield lines, total
            return
        # Nobody else can open a temporary file without a name.
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(lines, copy)
            size = copy.tell()
            copy.seek(0)
            yield copy, size
