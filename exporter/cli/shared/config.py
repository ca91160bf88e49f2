"""``--config``, an option of every command, and the exit where the configuration is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from exporter.settings.loading.load import Loaded
    from exporter.settings.loading.problems import Problems

#: The exit code for a configuration that is refused (EX_CONFIG of sysexits.h).
EXIT_CONFIG = 78
#: The exit code of a command that Ctrl-C ended before its work was done; typer's own for KeyboardInterrupt.
EXIT_INTERRUPTED = 130
DEFAULT_CONFIG = Path("config/exporter.yaml")

#: A command's parameter: ``config: ConfigOption = DEFAULT_CONFIG``.
ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", envvar="EXPORTER_CONFIG", metavar="FILE", help="Read this main file of the configuration."
    ),
]


def load_or_exit(path: Path, *, stand_in: bool = False) -> Loaded:
    """The configuration in ``path`` with the environment of the process.

    With ``stand_in``, something stands in for secrets and addresses that are not here (``Loaded.not_here``).
    Prints every mistake to stderr, and exits with 78 if there is a mistake. Notes are for the caller to show.
    """
    from exporter.settings.loading.load import load
    from exporter.settings.loading.problems import Problems

    loaded = load(path, os.environ, stand_in=stand_in)
    if isinstance(loaded, Problems):
        tell_problems(loaded, path)
        raise typer.Exit(EXIT_CONFIG)
    return loaded


def tell_problems(problems: Problems, path: Path) -> None:
    """Print every mistake in the configuration in ``path`` to stderr, and how to name a file where there is none."""
    typer.echo(problems.render(), err=True)
    if not os.path.isfile(path.expanduser()):  # noqa: PTH113 - pathlib raises where it may not look
        hint = "--config FILE or EXPORTER_CONFIG names the main file; `exporter init` writes one to begin with"
        typer.echo(f"note: {hint}", err=True)
