"""``exporter run``: the daemon."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.run.sharding import fewer_workers, refuse_ports_beyond, shard_option, workers_option
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.long_running import (
    LogFormatOption,
    LogLevelOption,
    exit_code,
    is_text,
    load_again,
    logging_to_stderr,
)

if TYPE_CHECKING:
    from exporter.daemon.workers.shard import Shard
    from exporter.settings.loading.load import Loaded
    from exporter.settings.tree import Settings


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="N/COUNT",
            help="Run only this share of the destinations, such as 2/4: for several processes side by side. "
            "Its ops port is the configured one plus N.",
        ),
    ] = None,
    workers: Annotated[
        str,
        typer.Option(
            metavar="COUNT|auto",
            help="Run so many shards under one parent, which passes signals on and restarts what crashed; "
            "auto: one a core. The parent answers for all of them on the configured ops port; each also has its own, "
            "the configured one plus 1, 2 …",
        ),
    ] = "1",
    announce: Annotated[int | None, typer.Option(hidden=True)] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP loads the configuration anew.

    Logs go to stderr. Exits with 0 when it was stopped and all that was settled is committed, 1 when it could not
    start or the last commit failed, 78 when the configuration is wrong or cannot be served beside other exporters.
    """
    own = shard_option(shard)
    asked = workers_option(workers, own)
    loaded = load_or_exit(config)
    running = len(loaded.settings.running)
    count = min(asked, max(1, running))
    refuse_ports_beyond(loaded.settings.ops.port, own, count if count > 1 else 0)
    import random
    import time

    from exporter import __version__
    from exporter.daemon.daemon import Daemon
    from exporter.daemon.workers.parent import Workers
    from exporter.dataflow.dependencies import Clock
    from exporter.sections.schedules import probe_delay
    from exporter.settings.local_socket import socket_paths
    from exporter.telemetry.compilation import compiled
    from exporter.telemetry.metrics import Metrics
    from exporter.telemetry.threshold import Threshold

    form = log_format or loaded.settings.log.format
    text = is_text(form)
    # Whoever presses Ctrl-C is told what it waits for; of workers, their parent tells.
    always = ("stopping",) if announce is None and sys.stderr.isatty() else ()
    threshold = Threshold(log_level or loaded.settings.log.level, always)
    with logging_to_stderr(text, threshold, {} if own is None else {"shard": str(own)}) as (log, written):
        metrics = Metrics(lambda: written.lost, None if own is None else str(own))

        def taken_over(settings: Settings) -> None:
            threshold.level = log_level or settings.log.level
            if (log_format or settings.log.format) != form:
                log.warning("needs a restart", keys=("log.format",), reason=f"{form} goes on")

        if announce is None:  # a worker is the same build as its parent
            log.info("starting", version=__version__, compiled=compiled())
        if (fewer := fewer_workers(asked, running)) is not None:
            # With "auto" the count is not the operator's choice.
            (log.info if workers == "auto" else log.warning)("note", detail=fewer)
        share = partial(_share_of, shard=own, under_parent=announce is not None)
        reload = partial(load_again, config, share)
        sockets = socket_paths(loaded.settings, config)
        if count > 1:
            options = ["--log-format", "text" if text else "json"]
            options += [] if log_level is None else ["--log-level", log_level]
            delay = probe_delay(random.uniform)
            runs: Daemon | Workers = Workers(
                count, config, options, loaded, reload, delay, metrics, log, sockets, time.time, taken_over
            )
        else:
            # Under a parent, the parent has logged the notes.
            noted = loaded if announce is None else replace(loaded, notes=())
            clock = Clock(time.monotonic, time.time)
            own_sockets = sockets if own is None else own.sockets(sockets)
            told = partial(_announce, announce)
            runs = Daemon(share(noted), reload, metrics, log, clock, own_sockets, told, parent, taken_over)
        code = exit_code(runs.run, log)
    raise typer.Exit(code)


def _share_of(loaded: Loaded, *, shard: Shard | None, under_parent: bool) -> Loaded:
    if shard is None:
        return loaded
    return replace(loaded, settings=shard.of(loaded.settings, sharing_memory=under_parent))


def _announce(descriptor: int | None, port: int) -> None:
    """Tell the parent the ops port of this worker."""
    if descriptor is not None:
        # A parent that is gone is noticed by the other pipe, and then this process ends as it should.
        with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
            pipe.write(f"{port}\n".encode())
