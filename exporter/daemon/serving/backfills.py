"""Puts the backfills of a serving process together, from what it has opened and the settings in force."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from exporter.daemon.serving.parts import Opened
from exporter.dataflow.dependencies import Clock
from exporter.sections.schedules import reach_delay
from exporter.settings.tree import Settings
from exporter.source.backfills.backfilling import Backfilling
from exporter.source.backfills.newly_mapped import Target
from exporter.source.backfills.surroundings import Bounds, Listeners, Moments
from exporter.source.processing.telling import Teller
from exporter.source.profiles.port import Backfill
from exporter.telemetry.logs import Log


def backfilling_of(
    opened: Opened,
    settings: Callable[[], Settings],
    teller: Teller,
    clock: Clock,
    log: Log,
    bug: Callable[[Exception], None],
) -> Backfilling:
    """The backfills of the open store. ``settings`` are asked for anew, so that a change of them counts at once."""

    def targets() -> Sequence[Target]:
        now = settings()
        return [Target(each.name, now.group_of(each.name), each.start) for each in now.running]

    def bounds() -> Bounds:
        now = settings()
        return Bounds(now.backfill.rate, now.backfill.lag, opened.max_event_bytes, now.profiles.outbox_max)

    def begun(backfill: Backfill) -> None:
        log.info("backfill begun", **_facts(backfill))

    def finished(backfill: Backfill) -> None:
        log.info("backfill finished", **_facts(backfill), skipped=backfill.skipped)

    return Backfilling(
        opened.store,
        opened.queue,
        opened.state.mapping_times,
        targets,
        bounds,
        lambda: opened.subscription.lag().messages or 0,
        Moments(clock.monotonic, clock.epoch, reach_delay(random.uniform)),
        Listeners(begun, finished, teller.look, bug),
    )


def _facts(backfill: Backfill) -> dict[str, str | int]:
    return {"destination": backfill.destination, "number": backfill.number, "profiles": backfill.total}
