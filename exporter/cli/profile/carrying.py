"""Writes all profiles to a file, and stores the profiles of such a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import typer

from exporter.cli.profile.store import with_profiles
from exporter.cli.shared.carried_files import opened, refuse_to_replace, written
from exporter.cli.shared.look.progress import progress
from exporter.cli.shared.queue import fail
from exporter.sections.printable import counted
from exporter.settings.whereabouts import not_yet_made

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import ProfileStore

#: Profiles of one reading, or of one transaction.
_LINES = 500


def export_profiles(settings: Settings, file: Path, *, force: bool) -> None:
    """Write the profiles to ``file``, and say how many; ``force`` replaces a file that is there.

    Exits with 1 where that cannot be done; then what was there before stands there still.
    """
    refuse_to_replace(file, force=force)

    async def write(store: ProfileStore) -> int:
        done, after = 0, 0
        total = (await store.counts()).profiles
        with written(file) as out, progress("exporting", total) as advance:
            while True:
                page = await store.export_profiles(after, _LINES)
                out.writelines(line + b"\n" for line in page.lines)
                done += len(page.lines)
                advance(len(page.lines))
                if page.next is None:
                    return done
                after = page.next

    try:
        done = with_profiles(settings, write, nothing=0)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    typer.echo(f"{counted(done, 'profile')} exported", err=True)


def import_profiles(settings: Settings, file: Path, *, as_json: bool) -> None:
    """Store the profiles of ``file``, and say how many. Exits with 1 where that cannot be done."""
    made = not_yet_made(settings.profiles)
    try:
        with opened(file) as (lines, total):
            stored, known = with_profiles(settings, lambda store: _stored(store, lines, total))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if made is not None:
        typer.echo(f"note: there were no profiles yet, they are kept at {made}", err=True)
    if as_json:
        typer.echo(json.dumps({"stored": stored, "known": known}))
    else:
        left = f"; {known} left out, since an identity of theirs is there already" if known else ""
        typer.echo(f"{counted(stored, 'profile')} stored{left}")


async def _stored(store: ProfileStore, lines: IO[bytes], total: int) -> tuple[int, int]:
    """How many profiles were stored, and how many were there already."""
    stored = known = before = 0
    with progress("importing", total) as advance:
        for chunk in _chunks(lines):
            try:
                imported = await store.import_profiles([line.rstrip(b"\r\n") for line in chunk])
            except ValueError as error:
                # The store counts from the chunk's first line.
                place, _, reason = str(error).removeprefix("line ").partition(": ")
                fail(f"line {before + int(place)} is no exported profile: {reason}")
            stored, known = stored + imported.stored, known + imported.known
            before += len(chunk)
            advance(sum(map(len, chunk)))
    return stored, known


def _chunks(lines: IO[bytes]) -> Iterator[Sequence[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
