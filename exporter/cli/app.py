"""Entry point of the ``exporter`` script; imports little, so that signals find it listening as early as can be."""

from __future__ import annotations

import io
import sys

from exporter.daemon import signals
from exporter.daemon.process.garbage import look_rarely


def main() -> None:
    """Run the command of ``sys.argv``."""
    _print_anything()
    asked = sys.argv[1:2]
    if asked in (["run"], ["serve"]):
        signals.expect()
    look_rarely()
    from exporter.cli.commands import COMMANDS, command_line
    from exporter.cli.shared.completion import words_being_completed

    asked = asked or (words_being_completed() or [])[:1]
    if asked == ["--version"]:
        command_line(())()
    # A name that is none is answered with all that there are.
    command_line(asked if asked and asked[0] in COMMANDS else COMMANDS)()


def _print_anything() -> None:
    """What the encoding of a stream does not have is written as its escape, as where the locale is of Latin-1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
