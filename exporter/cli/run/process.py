"""Puts one process of ``exporter run`` together and runs it: a daemon, or the parent of several."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from exporter import __version__
from exporter.cli.shared.long_running import Form, exit_code, is_text, load_again, logging_to_stderr
from exporter.daemon.daemon import Daemon
from exporter.daemon.reload import TakenOver
from exporter.daemon.workers.parent import Workers
from exporter.daemon.workers.shard import Shard
from exporter.dataflow.dependencies import Clock
from exporter.sections.schedules import probe_delay
from exporter.settings.loading.load import Loaded
from exporter.settings.loading.problems import Problems
from exporter.settings.local_socket import socket_paths
from exporter.telemetry.attempts import Attempts
from exporter.telemetry.compilation import compiled
from exporter.telemetry.logs import Log
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.threshold import Level, Threshold


@dataclass(frozen=True, slots=True)
class Process:
    """What a process was asked to be.

    Attributes:
        config: the configuration's file, to be read again.
        loaded: what was read from the file.
        log_level: in place of the configuration's.
        log_format: in place of the configuration's.
        shard: the share of the destinations that this process runs; None: all of them.
        workers: how many processes this one is the parent of; 1: none, it is the daemon itself.
        announce: the file descriptor on which a worker tells its parent the ops port; None: this is no worker.
        parent: the file descriptor that ends with a worker's parent.
    """

    config: Path
    loaded: Loaded
    log_level: Level | None
    log_format: Form | None
    shard: Shard | None
    workers: int
    announce: int | None
    parent: int | None

    def run(self, began: Callable[[Log], None]) -> int:
        """Run to the end; the exit code. ``began`` is given the log that the process writes."""
        log_settings = self.loaded.settings.log
        form = self.log_format or log_settings.format
        # Whoever presses Ctrl-C is told what it waits for; of workers, their parent tells.
        always = ("stopping",) if self.announce is None and sys.stderr.isatty() else ()
        threshold = Threshold(self.log_level or log_settings.level, always)
        bound = {} if self.shard is None else {"shard": str(self.shard)}
        with logging_to_stderr(is_text(form), threshold, bound) as (log, written):
            attempts = Attempts()
            attempts.tell_every(threshold.level == "debug")

            def taken_over(now: Loaded) -> None:
                settings = now.settings
                threshold.level = self.log_level or settings.log.level
                attempts.tell_every(threshold.level == "debug")
                if (self.log_format or settings.log.format) != form:
                    log.warning("needs a restart", keys=("log.format",), reason=f"{form} goes on")

            if self.announce is None:  # a worker is the same build as its parent
                log.info("starting", version=__version__, compiled=compiled())
            began(log)
            metrics = Metrics(lambda: written.lost, bound.get("shard"))
            if self.workers > 1:
                return exit_code(self._workers(metrics, log, taken_over).run, log)
            return exit_code(self._daemon(metrics, log, taken_over, attempts).run, log)

    def _workers(self, metrics: Metrics, log: Log, taken_over: TakenOver) -> Workers:
        options = ["--log-format", "text" if is_text(self.log_format or self.loaded.settings.log.format) else "json"]
        options += [] if self.log_level is None else ["--log-level", self.log_level]
        return Workers(
            self.workers,
            self.config,
            options,
            self.loaded,
            self._load,
            probe_delay(random.uniform),
            metrics,
            log,
            self._sockets,
            time.time,
            taken_over,
        )

    def _daemon(self, metrics: Metrics, log: Log, taken_over: TakenOver, attempts: Attempts) -> Daemon:
        # Under a parent, the parent has logged the notes.
        noted = self.loaded if self.announce is None else replace(self.loaded, notes=())
        sockets = self._sockets if self.shard is None else self.shard.sockets(self._sockets)
        clock = Clock(time.monotonic, time.time)
        return Daemon(
            self._share(noted),
            self._load,
            metrics,
            log,
            clock,
            sockets,
            self._announce,
            self.parent,
            taken_over,
            attempts,
        )

    @property
    def _sockets(self) -> Sequence[Path]:
        return socket_paths(self.loaded.settings, self.config)

    def _load(self) -> Loaded | Problems:
        return load_again(self.config, self._share)

    def _share(self, loaded: Loaded) -> Loaded:
        """The part of a configuration that is for this process."""
        if self.shard is None:
            return loaded
        return replace(loaded, settings=self.shard.of(loaded.settings, sharing_memory=self.announce is not None))

    def _announce(self, port: int) -> None:
        """Tell the parent the ops port of this worker."""
        if self.announce is not None:
            # A parent that is gone is noticed by the other pipe, and then this process ends as it should.
            with suppress(BrokenPipeError), os.fdopen(self.announce, "wb") as pipe:
                pipe.write(f"{port}\n".encode())
