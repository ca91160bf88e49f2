"""``exporter serve``: the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

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
    from exporter.settings.loading.load import Loaded


def serve(
    config: ConfigOption = DEFAULT_CONFIG, log_level: LogLevelOption = None, log_format: LogFormatOption = None
) -> None:
    """Run the way in: records over HTTP become profiles and events.

    It takes records, applies them to profiles, and puts what changed on the queue, until SIGTERM or SIGINT.
    `exporter run` exports what is on the queue, and needs a process of its own. Records go to the sources of the
    configuration, as `exporter source send` or any client sends them; `exporter init --source` writes a configuration
    to begin with. SIGHUP reads it again. A second process on the same intake waits until the first ends.

    Logs go to stderr. Exits with 0 when it was stopped, 1 when it could not start or was ended by an error, 78 when the
    configuration is wrong, or its files do not belong together.
    """
    loaded = load_or_exit(config)
    import time
    from functools import partial

    from exporter import __version__
    from exporter.daemon.serving.server import Server
    from exporter.dataflow.dependencies import Clock
    from exporter.settings.local_socket import of_serve, socket_paths
    from exporter.telemetry.compilation import compiled
    from exporter.telemetry.source_metrics import SourceMetrics
    from exporter.telemetry.threshold import Threshold

    log_settings = loaded.settings.log
    threshold = Threshold(log_level or log_settings.level)
    with logging_to_stderr(is_text(log_format or log_settings.format), threshold, {}) as (log, written):
        log.info("starting", version=__version__, compiled=compiled())

        def taken_over(now: Loaded) -> None:
            threshold.level = log_level or now.settings.log.level

        metrics, clock = SourceMetrics(lambda: written.lost), Clock(time.monotonic, time.time)
        sockets = [of_serve(path) for path in socket_paths(loaded.settings, config)]
        server = Server(loaded, partial(load_again, config), metrics, log, clock, taken_over, sockets)
        code = exit_code(server.run, log)
    raise typer.Exit(code)
