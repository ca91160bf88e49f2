"""The sources that connections and flows come to: what is declared, and what was made by API on top of that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.source.control.flow_service.references import (
    connection_of,
    dataset_of,
    inlet_of,
    mapping_of,
    settings_id,
)
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.processing.kept import Kept
from exporter.source.processing.planes import Ids
from exporter.source.settings.declared import FlowSettings, SourceSettings

_OTHERS: Final = re.compile(r"[^a-z0-9._]+")
#: As long as a source's name may be.
_LONGEST: Final = 64
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources.

    Attributes:
        sources: the declared ones first, with those flows that were made on their connections.
        ids: of all of them.
        disabled: the names of sources whose inlets take nothing.
        deleted: flows that no inlet has any more, by id: records in the intake may still name them.
    """

    sources: Sequence[SourceSettings]
    ids: Ids
    disabled: frozenset[str]
    deleted: Mapping[str, FlowSettings]


def sources_of(objects: Objects, declared: Sequence[SourceSettings], ids: Ids, kept: Kept | None = None) -> Sources:
    """The sources of ``objects``, among which those of ``declared``, whose ids are ``ids``, may stand.

    ``kept`` is what was made before.
    """
    known = Kept() if kept is None else kept
    connections = [each for each in objects.all(Kind.CONNECTION) if each.declared is None]
    names = {ids.connections[source.name]: source.name for source in declared}
    names |= _names(connections, frozenset(names.values()))
    flows: dict[str, dict[str, FlowSettings]] = {name: {} for name in names.values()}
    for name, flow_id, flow in _made_flows(objects, names, known):
        flows[name][flow_id] = flow
    sources = [
        source.model_copy(update={"flows": (*source.flows, *made.values())}) if (made := flows[source.name]) else source
        for source in declared
    ]
    sources += [_source(each, names[each.id], tuple(flows[names[each.id]].values()), known) for each in connections]
    flow_ids = dict(ids.flows)
    for source in sources:
        first = len(source.flows) - len(flows[source.name])
        flow_ids |= {(source.name, first + number): each for number, each in enumerate(flows[source.name])}
    return Sources(
        tuple(sources),
        Ids(
            {**ids.inlets, **{names[each.id]: str(inlet_of(each)) for each in connections}},
            {**ids.connections, **{names[each.id]: each.id for each in connections}},
            flow_ids,
        ),
        frozenset(names[each.id] for each in connections if each.fields["state"] != "enabled"),
        dict(_without_inlet(objects, frozenset(flow_ids.values()), known)),
    )


def _names(connections: Sequence[Resource], taken: frozenset[str]) -> Mapping[str, str]:
    """A name for each connection, by its id: short enough for a metric, and like no other."""
    names: dict[str, str] = {}
    used = set(taken)
    for each in connections:
        text = unicodedata.normalize("NFKD", each.fields["name"]).encode("ascii", "ignore").decode().lower()
        slug = _OTHERS.sub("-", text).strip("-.") or "source"
        name = _joined(slug, each.id[:_SHORT])
        names[each.id] = _joined(slug, each.id) if name in used else name
        used.add(names[each.id])
    return names


def _joined(slug: str, rest: str) -> str:
    return f"{slug[: _LONGEST - 1 - len(rest)]}-{rest}"


def _made_flows(objects: Objects, names: Mapping[str, str], kept: Kept) -> Iterator[tuple[str, str, FlowSettings]]:
    """The flows that were made: each with the name of the source that it hangs on, once for every such source."""
    for flow in objects.all(Kind.FLOW):
        dataset = dataset_of(objects, flow.fields) if flow.declared is None else None
        if dataset is None:
            continue
        for name in flow.fields["sourceConnectionIds"]:
            source = objects.get(Kind.SOURCE_CONNECTION, name)
            connection = None if source is None else connection_of(objects, source.fields)
            if connection is not None and connection.id in names:
                yield names[connection.id], flow.id, _flow(objects, flow, dataset, kept)


def _without_inlet(objects: Objects, with_inlet: Container[str], kept: Kept) -> Iterator[tuple[str, FlowSettings]]:
    for flow in objects.all(Kind.DELETED_FLOW):
        if (dataset := flow.fields.get("dataSetId")) is not None:
            yield flow.id, _flow(objects, flow, dataset, kept)
    for flow in objects.all(Kind.FLOW):
        if flow.declared is None and flow.id not in with_inlet and (dataset := dataset_of(objects, flow.fields)):
            yield flow.id, _flow(objects, flow, dataset, kept)


def _flow(objects: Objects, flow: Resource, dataset: str, kept: Kept) -> FlowSettings:
    reference, fields = mapping_of(flow.fields), flow.fields
    mapping = None if reference is None else settings_id(objects, reference)

    def made() -> FlowSettings:
        enabled = fields["state"] == "enabled"
        return FlowSettings(id=flow.id, name=fields["name"], dataset=dataset, mapping=mapping, enabled=enabled)

    return kept.of(("flow", flow.id), (flow, dataset, mapping), made)


def _source(connection: Resource, name: str, flows: tuple[FlowSettings, ...], kept: Kept) -> SourceSettings:
    def made() -> SourceSettings:
        params = connection.fields["auth"]["params"]
        return SourceSettings(
            name=name,
            inlet=params["inletId"],
            connection_id=connection.id,
            authentication=params["authenticationRequired"],
            flows=flows,
        )

    return kept.of(("source", connection.id), (connection, name, flows), made)
