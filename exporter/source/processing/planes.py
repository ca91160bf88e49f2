"""What the data plane is configured with, from the sections of a configuration and the ids that were made for it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.profile.paths import parse_path
from exporter.source.collection.plane import Flow, Inlet, Plane
from exporter.source.processing.compiling import FlowIds
from exporter.source.processing.kept import Kept
from exporter.source.settings.declared import DatasetSettings, SourceSettings
from exporter.source.settings.serve import Serve


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a configuration's sources, those that it leaves out included.

    Attributes:
        inlets: by the source's name.
        connections: likewise.
        flows: by the source's name, and the flow's place in the source.
    """

    inlets: Mapping[str, str]
    connections: Mapping[str, str]
    flows: FlowIds


def wanted(sources: Sequence[SourceSettings]) -> Iterator[tuple[str, str | None]]:
    """The names under which ids are kept, and the id that the configuration gives, if it gives one."""
    for source in sources:
        yield f"inlet/{source.name}", source.inlet
        yield f"connection/{source.name}", source.connection_id
        for number, flow in enumerate(source.flows):
            yield _flow_name(source, number), flow.id


def ids_of(sources: Sequence[SourceSettings], known: Mapping[str, str]) -> Ids:
    """The ids, by the names of ``wanted``."""
    return Ids(
        {source.name: known[f"inlet/{source.name}"] for source in sources},
        {source.name: known[f"connection/{source.name}"] for source in sources},
        {
            (source.name, number): known[_flow_name(source, number)]
            for source in sources
            for number in range(len(source.flows))
        },
    )


def doubled(sources: Sequence[SourceSettings], ids: Ids) -> str | None:
    """Why ids do not tell things apart: one that is configured was made for something else. None where all is well."""
    for kind, names in (("inlet", ids.inlets), ("connection", ids.connections)):
        seen: dict[str, str] = {}
        for of_source, given_or_made in names.items():
            if (first := seen.setdefault(given_or_made, of_source)) != of_source:
                return f"sources {first} and {of_source} have one {kind} id, which was made for one of the two"
    given = {flow.id: flow.name for source in sources for flow in source.flows if flow.id is not None}
    for source in sources:
        for number, flow in enumerate(source.flows):
            if flow.id is None and (other := given.get(ids.flows[source.name, number])) is not None:
                return f"the id of flow {other} was made for flow {flow.name} of source {source.name}"
    return None


def plane_of(
    serve: Serve,
    sources: Sequence[SourceSettings],
    datasets: Sequence[DatasetSettings],
    ids: Ids,
    disabled: Container[str] = (),
    kept: Kept | None = None,
) -> Plane:
    """The data plane of a configuration whose references all lead somewhere.

    Args:
        serve: of the configuration.
        sources: likewise.
        datasets: likewise.
        ids: of the sources.
        disabled: the names of sources whose inlets take nothing.
        kept: what was made before.
    """
    schemas = {dataset.id: dataset.schema for dataset in datasets}
    known = Kept() if kept is None else kept

    def inlet(source: SourceSettings) -> Inlet:
        name, enabled = source.name, source.name not in disabled
        leads = [(ids.flows[name, number], schemas[flow.dataset]) for number, flow in enumerate(source.flows)]
        beside = [schemas[dataset] for dataset in source.datasets]
        parts = source, serve, enabled, ids.inlets[name], leads, beside
        return known.of(("inlet", name), parts, lambda: _inlet(source, serve, schemas, ids, enabled))

    inlets = map(inlet, sources)
    return Plane(
        org_id=serve.org_id,
        inlets={inlet.id: inlet for inlet in inlets},
        max_body=serve.max_body,
        hold_seconds=serve.hold,
        overload_status=serve.overload_status,
        cors=serve.cors,
        rate=serve.rate,
        sync_rate=serve.sync_rate,
    )


def _flow_name(source: SourceSettings, number: int) -> str:
    """Of a flow with a name: two of one name in a source are told apart by their order."""
    name = source.flows[number].name
    before = sum(flow.name == name for flow in source.flows[:number])
    return f"flow/{source.name}/{name}" + (f"/{before}" if before else "")


def _inlet(source: SourceSettings, serve: Serve, schemas: Mapping[str, str], ids: Ids, enabled: bool) -> Inlet:
    flows = [
        Flow(
            ids.flows[source.name, number],
            flow.dataset,
            schemas[flow.dataset],
            mapping=flow.mapping is not None,
            enabled=flow.enabled,
        )
        for number, flow in enumerate(source.flows)
    ]
    return Inlet(
        id=ids.inlets[source.name],
        source=source.name,
        org_id=serve.org_id,
        flows=tuple(flows),
        datasets={dataset: schemas[dataset] for dataset in source.datasets},
        authentication=source.authentication,
        enabled=enabled,
        deletes=source.deletes,
        key=() if source.key is None else parse_path(source.key),
    )
