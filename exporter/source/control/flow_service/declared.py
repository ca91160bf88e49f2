"""What a configuration declares of the way in, as the objects that clients know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from exporter.source.control.flow_service.specs import (
    AUTHENTICATION,
    DATA_LAKE,
    HTTP_API,
    WITH_TRANSFORMATION,
    WITHOUT_TRANSFORMATION,
    spec,
)
from exporter.source.control.objects.making import declared_resource
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.processing.planes import Ids
from exporter.source.settings.declared import DatasetSettings, FlowSettings, MappingSetSettings, SourceSettings

_SCHEMA_VERSION: Final = "application/vnd.adobe.xed-full+json;version=1.0"


def declared_resources(
    sources: Sequence[SourceSettings],
    datasets: Sequence[DatasetSettings],
    mappings: Sequence[MappingSetSettings],
    ids: Ids,
    file: str,
    at: int,
) -> Iterator[Resource]:
    """The connections, source connections, target connections and flows of ``sources``.

    Args:
        sources: whose references all lead somewhere.
        datasets: for their schemas.
        mappings: for their versions.
        ids: of connections, inlets and flows.
        file: that declares them.
        at: when that was read, in epoch milliseconds.
    """
    schemas = {each.id: each.schema for each in datasets}
    versions = {each.id: each.version for each in mappings}
    flows: dict[str, dict[str, Any]] = {}
    for source in sources:
        connection = ids.connections[source.name]
        begins = source.source_connection_id or str(uuid5(UUID(connection), "sourceConnection"))
        yield declared_resource(Kind.CONNECTION, connection, _connection(source, ids.inlets[source.name]), file, at)
        yield declared_resource(Kind.SOURCE_CONNECTION, begins, _source_connection(source, connection), file, at)
        targets = _targets(source, connection)
        for dataset, name in targets.items():
            fields = _target_connection(source, dataset, schemas[dataset])
            yield declared_resource(Kind.TARGET_CONNECTION, name, fields, file, at)
        for number, flow in enumerate(source.flows):
            # A flow may stand in several sources, and is one flow then, with several source connections.
            known = flows.setdefault(ids.flows[source.name, number], _flow(flow, targets[flow.dataset], versions))
            known["sourceConnectionIds"].append(begins)
    for name, fields in flows.items():
        yield declared_resource(Kind.FLOW, name, fields, file, at)


def _targets(source: SourceSettings, connection: str) -> Mapping[str, str]:
    """The ids of a source's target connections, by the datasets that it may write to."""
    datasets = (*(flow.dataset for flow in source.flows), *source.datasets, *source.target_connections)
    return {each: source.target_connections.get(each) or str(uuid5(UUID(connection), each)) for each in datasets}


def _connection(source: SourceSettings, inlet: str) -> dict[str, Any]:
    mapped = any(flow.mapping is not None for flow in source.flows)
    params = {
        "sourceId": source.name,
        "name": source.name,
        "dataType": "raw" if mapped else "xdm",
        "authenticationRequired": source.authentication,
        "inletId": inlet,
    }
    return {
        "name": source.name,
        "connectionSpec": spec(HTTP_API),
        "auth": {"specName": AUTHENTICATION, "params": params},
        "state": "enabled",
    }


def _source_connection(source: SourceSettings, connection: str) -> dict[str, Any]:
    return {
        "name": source.name,
        "baseConnectionId": connection,
        "connectionSpec": spec(HTTP_API),
        "data": {"format": "json"},
        "params": {},
        "state": "enabled",
    }


def _target_connection(source: SourceSettings, dataset: str, schema: str) -> dict[str, Any]:
    return {
        "name": f"{source.name} to {dataset}",
        "connectionSpec": spec(DATA_LAKE),
        "data": {"schema": {"id": schema, "version": _SCHEMA_VERSION}},
        "params": {"dataSetId": dataset},
        "state": "enabled",
    }


def _flow(flow: FlowSettings, target: str, versions: Mapping[str, int]) -> dict[str, Any]:
    transformations = []
    if flow.mapping is not None:
        params = {"mappingId": flow.mapping, "mappingVersion": versions[flow.mapping]}
        transformations = [{"name": "Mapping", "params": params}]
    return {
        "name": flow.name,
        "flowSpec": spec(WITH_TRANSFORMATION if transformations else WITHOUT_TRANSFORMATION),
        "sourceConnectionIds": [],
        "targetConnectionIds": [target],
        "transformations": transformations,
        "state": "enabled" if flow.enabled else "disabled",
    }
