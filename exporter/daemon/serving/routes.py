"""The table of the control plane, put together from what each of its services answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast

from exporter import __version__
from exporter.daemon.serving.pipeline import Pipeline
from exporter.dataflow.dependencies import Clock
from exporter.sections.urls import http_address
from exporter.settings.tree import Settings
from exporter.source.control import entities, ims, namespaces, runs
from exporter.source.control.catalog import batches, datasets
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.rows import routes_of as data_prep_routes
from exporter.source.control.data_prep.stored import MappingSets
from exporter.source.control.flow_service.routes import routes_of as flow_service_routes
from exporter.source.control.merge_policies import policies, policy_id
from exporter.source.control.objects.making import Making
from exporter.source.control.objects.resource import Kind
from exporter.source.control.openapi.document import document_of
from exporter.source.control.openapi.route import described
from exporter.source.control.routes import Routes
from exporter.source.control.schema_registry.routes import routes_of as schema_routes
from exporter.source.dataprep.run import Bounds
from exporter.source.profiles.settings import rules_of
from exporter.source.runs.batches import BatchReader
from exporter.source.runs.reading import RunReader
from exporter.source.settings.serve import Serve
from exporter.source.wishing import Wishing

#: Between two mappings that are compiled; most take about twice as long, and records come before them.
_REST_SECONDS: Final = 0.0005


def routes_of(
    in_force: Callable[[], Settings], pipeline: Pipeline, wishing: Wishing, clock: Clock, port: Callable[[], int]
) -> Routes:
    """All that the control plane answers, by the configuration that is ``in_force``; ``port``: the data plane's."""
    settings, opened, register = in_force(), pipeline.opened, pipeline.register
    serving = settings.serve

    def now_ms() -> int:
        return int(clock.epoch() * 1000)

    def bounds() -> Bounds:
        return Bounds(in_force().max_event_bytes, in_force().serve.mapping_time)

    def public_url() -> str:
        return address_of(in_force().serve, port())

    def of_flow(flow: str) -> Mapping[str, Any]:
        found = register.objects.get(Kind.FLOW, flow) or register.objects.get(Kind.DELETED_FLOW, flow)
        return whose if found is None else {"flowSpec": found.fields["flowSpec"], "providerRefId": flow, **whose}

    making = Making(serving.org_id, serving.tenant, serving.sandboxes[0], now_ms, os.urandom)
    whose = {"imsOrgId": making.org_id, "sandboxName": making.sandbox, "sandboxId": making.sandbox_id}
    rest = partial(time.sleep, _REST_SECONDS)
    workshop = Workshop(pipeline.in_force.schema, bounds, os.urandom, clock.monotonic, now_ms, time.thread_time, rest)
    lowercase_ids = frozenset(each.lower() for each in settings.identities.lowercase_ids)
    keep_ms = int(settings.profiles.keep_time_series * 1000)
    profiles = entities.Entities(opened.store, wishing.wish, lowercase_ids, policy_id(serving.org_id), now_ms, keep_ms)
    reader = RunReader(opened.store, now_ms, of_flow)
    failed = batches.Batches(BatchReader(reader), opened.state.bad_records, {"imsOrg": serving.org_id, **whose})
    rows = (
        *ims.routes_of(lambda: pipeline.tokens.issuing, clock.epoch),
        *flow_service_routes(register, making, public_url),
        *runs.routes_of(runs.Runs(reader)),
        *data_prep_routes(MappingSets(register, DataPrep(workshop))),
        *schema_routes(register, making, lambda: in_force().identities.namespaces == "declared"),
        *datasets.routes_of(register, making),
        *batches.routes_of(failed),
        *namespaces.routes_of(register, making),
        *entities.routes_of(profiles),
        policies(serving.org_id, rules_of(settings.profiles, settings.identities)),
    )
    return Routes(described(rows, __version__))


class _Nothing:
    """Stands for every part where none runs: replies are put together with it, and never asked."""

    def __getattr__(self, name: str) -> Any:
        return self


def document() -> dict[str, Any]:
    """What ``GET /openapi.json`` answers: the same of every configuration, and whether or not a process serves."""
    settings, nothing = Settings.model_validate({}), cast(Any, _Nothing())
    return document_of(routes_of(lambda: settings, nothing, nothing, nothing, lambda: 0).rows, __version__)


def address_of(serving: Serve, port: int) -> str:
    """What the addresses of inlets begin with; ``port``: at which the data plane listens."""
    if serving.public_url is not None:
        return serving.public_url
    address = http_address(serving.host, port)
    return address if serving.tls.cert_file is None else f"https{address.removeprefix('http')}"
