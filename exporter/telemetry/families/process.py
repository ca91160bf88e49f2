"""The metrics of a process as a whole, in ``exporter run`` and ``exporter serve``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from exporter.telemetry.configuration import ReloadOutcome
from exporter.telemetry.families.family import Family, by_name
from exporter.telemetry.status import BuildKind

#: Told of the process by the exporter. Where several processes share the destinations, each carries ``shard`` too.
PROCESS: Final[Mapping[str, Family]] = by_name(
    [
        Family(
            "exporter_build_info",
            "gauge",
            "always 1",
            "The build that runs; the value is always 1.",
            "after an upgrade: whether every process runs it",
            labels={"version": (), "build": get_args(BuildKind), "python": ()},
        ),
        Family(
            "exporter_config_reloads",
            "counter",
            "reloads",
            "Reloads of the configuration, by outcome.",
            "whether a change of the configuration has arrived",
            labels={"outcome": get_args(ReloadOutcome)},
        ),
        Family(
            "exporter_config_valid",
            "gauge",
            "0 or 1",
            "Whether the configuration as read last runs; 0 after a reload that was refused.",
            "after every change: at 0 the configuration before goes on, and a restart would fail",
        ),
        Family(
            "exporter_standby",
            "gauge",
            "dataflows",
            "Dataflows that wait because another process reads their group.",
            "nothing is exported although the process is well",
            "Of `exporter run` alone.",
        ),
        Family(
            "exporter_log_lines_lost",
            "counter",
            "lines",
            "Lines of the log that could not be written.",
            "the log has gaps: nobody read it in time, or the disk is full",
        ),
        Family(
            "exporter_spans",
            "counter",
            "spans",
            "Spans of sampled traces, by outcome: sent, failed at the collector, dropped for want of room.",
            "traces are missing",
            "Of `exporter run` alone, where [tracing](tracing.md) is on.",
            labels={"outcome": ("sent", "failed", "dropped")},
        ),
    ]
)

#: Told of the process by Prometheus' client, on Linux, with the meaning in its words.
SYSTEM: Final[Mapping[str, Family]] = by_name(
    [
        Family(
            "process_cpu_seconds",
            "counter",
            "seconds",
            "Total user and system CPU time spent in seconds.",
            "a core is full: then [sizing](sizing.md)",
        ),
        Family(
            "process_resident_memory_bytes",
            "gauge",
            "bytes",
            "Resident memory size in bytes.",
            "beside the limit of the container",
        ),
        Family(
            "process_virtual_memory_bytes",
            "gauge",
            "bytes",
            "Virtual memory size in bytes.",
            "hardly ever: it says little",
        ),
        Family(
            "process_start_time_seconds",
            "gauge",
            "seconds since the epoch",
            "Start time of the process since unix epoch in seconds.",
            "whether it was restarted, and how often",
        ),
        Family(
            "process_open_fds",
            "gauge",
            "descriptors",
            "Number of open file descriptors.",
            "beside `process_max_fds`",
        ),
        Family(
            "process_max_fds",
            "gauge",
            "descriptors",
            "Maximum number of open file descriptors.",
            "beside `process_open_fds`: near it no connection can be made",
        ),
    ]
)
