"""Puts together what ``/status`` says of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from exporter import __version__
from exporter.settings.destination import Destination
from exporter.settings.loading.load import Loaded
from exporter.settings.local_socket import from_root
from exporter.telemetry.build import this_build
from exporter.telemetry.history import History
from exporter.telemetry.status import ConfigStatus, DataflowStatus, StatusDocument

#: The build of this process.
BUILD: Final = this_build()


def document(started_at: float, config: ConfigStatus, flows: Iterable[DataflowStatus]) -> StatusDocument:
    """The document of this process, which started at ``started_at``, seconds since the epoch."""
    return StatusDocument(__version__, BUILD, started_at, config, tuple(flows))


def begun_with(loaded: Loaded) -> ConfigStatus:
    """How the configuration is that a process begins with."""
    file = from_root(loaded.files[0]) if loaded.files else None
    return ConfigStatus(file=file, group_prefix=loaded.settings.queue.group_prefix)


def described(
    flows: Iterable[DataflowStatus],
    destinations: Mapping[str, Destination],
    history: Callable[[str], History] | None = None,
) -> Iterator[DataflowStatus]:
    """The statuses, completed with what is configured for each destination and what its ``history`` knows."""
    for flow in flows:
        status = flow
        if (destination := destinations.get(flow.destination)) is not None:
            delivery = destination.delivery
            host = urlsplit(destination.endpoint).netloc
            status = replace(status, endpoint_host=host, rate=delivery.rate, max_concurrency=delivery.concurrency)
        if history is not None:
            past = history(flow.destination)
            status = replace(
                status,
                last_success_at=past.succeeded_at,
                last_failure_at=past.failed_at,
                latency=past.latencies.latencies(),
            )
        yield status


def merged_config(parent: ConfigStatus, workers: Iterable[ConfigStatus]) -> ConfigStatus:
    """How the configuration fares in a parent and its workers."""
    all_of = [parent, *workers]
    reloaded = [each.reloaded_at for each in all_of if each.reloaded_at is not None]
    refused = [each.refused_at for each in all_of if each.refused_at is not None]
    return replace(
        parent,
        valid=all(each.valid for each in all_of),
        reloaded_at=max(reloaded, default=None),
        problems=tuple(dict.fromkeys(problem for each in all_of for problem in each.problems)),
        refused_at=max(refused, default=None),
    )
