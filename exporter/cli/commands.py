"""The ``exporter`` command: puts the subcommands together."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter import __version__
from exporter.cli import check, deadletters, demo, positions, preview, receive, run, schema, send, status
from exporter.compilation import compiled

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


for command in (run, check, preview, send, status, deadletters, positions, receive, schema, demo):
    command.register(app)
