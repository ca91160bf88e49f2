"""The ``exporter`` command: puts the subcommands together."""

from __future__ import annotations

from typing import Annotated

import typer

from exporter import __version__
from exporter.cli.by_hand import pause, probe, resume
from exporter.cli.check.command import check
from exporter.cli.deadletters.command import deadletters
from exporter.cli.demo import demo
from exporter.cli.init.command import init
from exporter.cli.positions import positions
from exporter.cli.preview.command import preview
from exporter.cli.receive import receive
from exporter.cli.run.command import run
from exporter.cli.schema import schema
from exporter.cli.send.command import send
from exporter.cli.status import status
from exporter.cli.test.command import run_tests
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


for command in (init, run, check, preview, send, status, pause, resume, probe, receive, schema, demo):
    app.command()(command)
app.command("test")(run_tests)
app.add_typer(deadletters, name="deadletters")
app.add_typer(positions, name="positions")
