"""Puts together what looks after profiles beside their records: memberships lapse, and what is too old is dropped."""

from __future__ import annotations

import random
from collections.abc import Callable

from exporter.daemon.serving.parts import Opened
from exporter.sections.schedules import reach_delay
from exporter.settings.tree import Settings
from exporter.source.collection.stamps import Stamps
from exporter.source.processing.expiring import Expiring
from exporter.source.processing.lapsing import Lapsing
from exporter.source.processing.processor import Processor
from exporter.source.processing.telling import Teller


def expiring_of(settings: Settings, opened: Opened, now_ms: Callable[[], int]) -> Expiring:
    """What drops that which was kept for its time; ``now_ms`` reads epoch milliseconds."""
    return Expiring(opened.store, int(settings.profiles.keep_time_series * 1000), now_ms, reach_delay(random.uniform))


def lapsing_of(
    settings: Settings, opened: Opened, stamps: Stamps, processor: Processor, teller: Teller
) -> Lapsing | None:
    """What lets memberships without news leave; None where they stay for ever."""
    ttl = settings.profiles.membership_ttl
    if ttl is None:
        return None

    def told(profiles: int) -> None:
        processor.events += profiles
        teller.look()

    return Lapsing(
        opened.store,
        int(ttl * 1000),
        stamps,
        opened.subscription.lag,
        opened.max_event_bytes,
        int(settings.profiles.outbox_max),
        told,
        reach_delay(random.uniform),
    )
