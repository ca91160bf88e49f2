"""The ``exporter`` command: puts the subcommands together."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from exporter import __version__
from exporter.cli.shared.look.help import Commands

#: The subcommands as the help lists them, with where each stands: a function, or the app of a group.
COMMANDS = {
    "init": "init.command:init",
    "run": "run.command:run",
    "serve": "serve:serve",
    "check": "check.command:check",
    "preview": "preview.command:preview",
    "send": "send.command:send",
    "backfill": "backfill.command:backfill",
    "status": "status.command:status",
    "top": "status.top:top",
    "tail": "tail.command:tail",
    "pause": "by_hand:pause",
    "resume": "by_hand:resume",
    "probe": "by_hand:probe",
    "receive": "receive:receive",
    "schema": "schema:schema",
    "demo": "demo:demo",
    "test": "test.command:run_tests",
    "backup": "backup:backup",
    "deadletters": "deadletters.command:deadletters",
    "positions": "positions:positions",
    "source": "source.command:source",
    "profile": "profile.command:profile",
}


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command with some of its subcommands. Only what these need is imported."""
    app = Commands(
        name="exporter",
        help="Streams profile changes to HTTP endpoints: in order per profile, at least once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Of every subcommand, too.
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(exporter)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"exporter.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _version(asked: bool) -> None:
    if asked:
        from exporter.telemetry.build import in_words, this_build

        typer.echo(f"exporter {__version__} ({in_words(this_build())})")
        raise typer.Exit


def exporter(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Streams profile changes to HTTP endpoints: in order per profile, at least once."""
