"""The ``exporter`` command: puts the subcommands together."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter import __version__
from exporter.cli import demo, positions, receive, schema, status
from exporter.cli.check import command as check
from exporter.cli.deadletters import command as deadletters
from exporter.cli.init import command as init
from exporter.cli.preview import command as preview
from exporter.cli.run import command as run
from exporter.cli.send import command as send
from exporter.telemetry.compilation import compiled

app = typer.Typer(
    name="exporter",
    help="Streams profile changes to HTTP endpoints: in order per profile, at least once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"exporter {__version__}{' (compiled)' if compiled() else ''}")
        raise typer.Exit


@app.callback()
def exporter(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Streams profile changes to HTTP endpoints: in order per profile, at least once."""


for command in (init, run, check, preview, send, status, deadletters, positions, receive, schema, demo):
    command.register(app)
