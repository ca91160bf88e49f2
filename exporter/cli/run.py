"""``exporter run``: the daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from exporter.cli.config import DEFAULT_CONFIG, ConfigOption, load_or_exit


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("run")(run)


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="The least important lines to write.")
    ] = "info",
    log_format: Annotated[
        Literal["auto", "text", "json"], typer.Option(help="auto: text on a terminal, JSON otherwise.")
    ] = "auto",
) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP loads the configuration anew.

    Logs go to stderr. Exits with 0 when it was stopped and all that was settled is committed, 1 when it could not
    start or the last commit failed, 78 when the configuration is wrong.
    """
    loaded = load_or_exit(config)
    import asyncio
    import time

    from exporter.daemon.daemon import Daemon
    from exporter.daemon.loop import new_event_loop
    from exporter.database import DatabaseRefused
    from exporter.dataflow.parts import Clock
    from exporter.logs import configure
    from exporter.ops import OpsUnavailable
    from exporter.settings.source import load

    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    log = configure(sys.stderr, text, log_level, colours=sys.stderr.isatty())
    daemon = Daemon(loaded, lambda: load(Path(config), os.environ), log, Clock(time.monotonic, time.time))
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            code = runner.run(daemon.run())
    except* (DatabaseRefused, OpsUnavailable) as errors:
        for error in errors.exceptions:
            log.error("cannot start", detail=str(error))
        code = 1
    raise typer.Exit(code)
