"""The table of the control plane, put together from what each of its services answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from exporter.daemon.serving.pipeline import Pipeline
from exporter.dataflow.dependencies import Clock
from exporter.settings.tree import Settings
from exporter.source.control import entities, ims
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.rows import routes_without_sets
from exporter.source.control.entities import Entities
from exporter.source.control.merge_policies import policies, policy_id
from exporter.source.control.routes import Routes
from exporter.source.dataprep.run import Bounds
from exporter.source.profiles.settings import rules_of
from exporter.source.wishing import Wishing

#: Between two mappings that are compiled; most take about twice as long, and records come before them.
_REST_SECONDS: Final = 0.0005


def routes_of(in_force: Callable[[], Settings], pipeline: Pipeline, wishing: Wishing, clock: Clock) -> Routes:
    """All that the control plane answers, by the configuration that is ``in_force``."""
    settings = in_force()
    lowercase_ids = frozenset(each.lower() for each in settings.identities.lowercase_ids)
    keep_ms = int(settings.profiles.keep_time_series * 1000)
    org_id = settings.serve.org_id
    store = pipeline.opened.store

    def now_ms() -> int:
        return int(clock.epoch() * 1000)

    def bounds() -> Bounds:
        return Bounds(in_force().max_event_bytes, in_force().serve.mapping_time)

    profiles = Entities(store, wishing.wish, lowercase_ids, policy_id(org_id), now_ms, keep_ms)
    rest = partial(time.sleep, _REST_SECONDS)
    workshop = Workshop(pipeline.in_force.schema, bounds, os.urandom, clock.monotonic, now_ms, time.thread_time, rest)
    data_prep = DataPrep(workshop)
    return Routes(
        (
            *ims.routes_of(lambda: pipeline.tokens.issuing, clock.epoch),
            *routes_without_sets(data_prep),
            *entities.routes_of(profiles),
            policies(org_id, rules_of(settings.profiles, settings.identities)),
        )
    )
