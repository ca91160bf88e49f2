"""``exporter run``: the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.run.sharding import fewer_workers, refuse_ports_beyond, shard_option, workers_option
from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.long_running import LogFormatOption, LogLevelOption

if TYPE_CHECKING:
    from exporter.telemetry.logs import Log


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="N/COUNT",
            help="Run only this share of the destinations, such as 2/4, beside other processes. Its ops "
            "port is the configured one plus N.",
        ),
    ] = None,
    workers: Annotated[
        str,
        typer.Option(
            metavar="COUNT|auto",
            help="Run so many shards under one parent, which passes signals on and restarts what "
            "crashed; auto runs one a core. The parent answers for all of them on the configured "
            "ops port; each also has its own, the configured one plus its number.",
        ),
    ] = "1",
    announce: Annotated[int | None, typer.Option(hidden=True)] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the daemon, which exports what is on the queue.

    It runs until SIGTERM or SIGINT; SIGHUP loads the configuration anew.

    Logs go to stderr. Exits with 0 when it was stopped and all that was settled is committed, 1 when it could not
    start or the last commit failed, 78 when the configuration is wrong or cannot be served beside other exporters.
    """
    own = shard_option(shard)
    asked = workers_option(workers, own)
    loaded = load_or_exit(config)
    running = len(loaded.settings.running)
    count = min(asked, max(1, running))
    refuse_ports_beyond(loaded.settings.ops.port, own, count if count > 1 else 0)

    def began(log: Log) -> None:
        if (fewer := fewer_workers(asked, running)) is not None:
            # With "auto" the count is not the operator's choice.
            (log.info if workers == "auto" else log.warning)("note", detail=fewer)

    from exporter.cli.run.process import Process

    raise typer.Exit(Process(config, loaded, log_level, log_format, own, count, announce, parent).run(began))
