"""Other configurations with the same state: two that stand side by side, and name no paths of their own, share one.

A daemon notes beside its state which configuration it runs. A configuration is told of where it still leads there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from exporter.settings.loading.overrides import PREFIX
from exporter.settings.loading.part import load_part
from exporter.settings.local_socket import from_root
from exporter.settings.tree import Settings
from exporter.state.sqlite.settings import SqliteSettings

_PARTS = ("state", "queue")


def remember(settings: Settings, files: Sequence[Path]) -> None:
    """Note beside the state that a configuration is run; ``files`` are the configuration's own, the main file first.

    Nothing is noted of a state that is no file, and a note that cannot be written is left out: the daemon needs none.
    """
    place = _place(settings)
    if place is None or not files or "\n" in (own := from_root(files[0])):
        return
    noted = _noted(place)
    # pathlib raises where a folder may not be searched
    there = [file for file in noted if file == own or os.path.exists(file)]  # noqa: PTH110
    now = there if own in there else [*there, own]
    if now == noted:
        return
    with suppress(OSError):
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.writelines(os.fsencode(file) + b"\n" for file in now)


def neighbours(settings: Settings, config: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """A note for each other configuration that was run with the state of ``settings``, and would be again."""
    place = _place(settings)
    if place is None:
        return
    own = os.path.realpath(config)
    # What overrides the paths of this process says nothing of the other configuration.
    plain = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    for file in _noted(place):
        if os.path.realpath(file) == own:
            continue
        part = load_part(Path(file), plain, _PARTS)
        shared = [name for name in _PARTS if name in part.known and _file(part.settings, name) == _file(settings, name)]
        if "state" in shared:
            yield _note(file, settings, shared)


def _note(file: str, settings: Settings, shared: list[str]) -> str:
    places = " and ".join(f"{name} ({_file(settings, name)})" for name in shared)
    paths = " and ".join(f"{name}.path" for name in shared)
    read = "each reads the events of the other, and " if "queue" in shared else ""
    return (
        f"state: {file} has the same {places}: {read}dead letters and pauses of destinations of one name are the same "
        f"ones; if that is not meant, give each configuration {paths} of its own"
    )


def _place(settings: Settings) -> Path | None:
    """The file of the notes, where the state is a file."""
    if not isinstance(settings.state, SqliteSettings):
        return None
    return Path(f"{settings.state.path}.configurations")


def _noted(place: Path) -> list[str]:
    try:
        return [os.fsdecode(line) for line in place.read_bytes().split(b"\n") if line]
    except OSError:
        return []


def _file(settings: Settings, name: str) -> str | None:
    """The file of a part, links resolved; None where it is none."""
    path = getattr(getattr(settings, name), "path", None)
    return os.path.realpath(path) if isinstance(path, Path) else None
