"""``exporter backup``: copies all stores as they are at one moment, while they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit

_WAY_IN = ("intake", "profiles")
_PARTS = ("state", "queue", *_WAY_IN)


def backup(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Name the folder of the copies, which is made where it is missing; nothing is overwritten.",
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Copy all stores as they are at one moment, while they run.

    State, queue, intake and profiles are copied into FOLDER.
    Only what stands in files is copied: a broker keeps its own. A copy goes back to where the configuration has the
    file, while nothing runs: profiles and intake together, and queue and state together. A queue that is well stays,
    with its state, although it is newer. The copies hold personal data, and the key that signs tokens.
    """
    from exporter.cli.shared.interrupts import ended_by_exception
    from exporter.database.backup import BackupFailed, back_up
    from exporter.settings.notes import has_way_in
    from exporter.settings.whereabouts import whereabouts

    settings = load_or_exit(config).settings
    files: dict[Path, Path] = {}
    for part in _PARTS:
        section = getattr(settings, part)
        path = getattr(section, "path", None)
        if path is None:
            typer.echo(f"{part}: left out, since it is no file ({whereabouts(section)})", err=True)
        elif path.exists():
            files[path] = folder / f"{part}.db"
        elif part not in _WAY_IN or has_way_in(settings):
            typer.echo(f"{part}: left out, since {path} is not there", err=True)
    if not files:
        typer.echo("error: there is nothing to copy", err=True)
        raise typer.Exit(1)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ended_by_exception():
            back_up(files)
    except OSError as error:
        typer.echo(f"error: {folder} cannot be made: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    except BackupFailed as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for source, target in files.items():
        typer.echo(f"{source} -> {target}")
