"""A scrape lets deliveries go on, and never shows more events ended than came."""

from __future__ import annotations

import asyncio

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exporter.telemetry.exposition import exposed
from exporter.telemetry.metrics import DestinationMetrics, Metrics

DESTINATION = "crm"


async def delivering(counted: DestinationMetrics) -> None:
    """An event comes and is delivered at each turn of the loop."""
    while True:
        counted.received.inc()
        counted.delivered.inc()
        await asyncio.sleep(0)


async def scraped_while_delivering() -> tuple[dict[str, float], int]:
    """The numbers of a scrape, and how many events came during it."""
    metrics = Metrics()
    counted = metrics.of(DESTINATION)
    task = asyncio.create_task(delivering(counted))
    try:
        await asyncio.sleep(0)
        before = counted.received.value
        text = (await exposed(metrics.registry)).decode()
    finally:
        task.cancel()
    shown: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            shown[sample.name] = shown.get(sample.name, 0) + sample.value
    return shown, counted.received.value - before


async def test_deliveries_go_on_between_the_metrics() -> None:
    _, came = await scraped_while_delivering()
    assert came >= len([*Metrics().registry.collect()])


async def test_never_more_events_end_than_came() -> None:
    shown, _ = await scraped_while_delivering()
    assert 0 < shown["exporter_exports_total"] <= shown["exporter_events_received_total"]


async def test_is_what_the_library_makes_of_all_at_once() -> None:
    metrics = Metrics(lambda: 3, shard="2/4")
    metrics.of(DESTINATION).attempt_seconds.observe(0.2)
    assert await exposed(metrics.registry) == generate_latest(metrics.registry)
