"""What the fields of objects lead to: a source connection to its connection, a target connection to its dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource

Fields = Mapping[str, Any]
#: As many flows as a refusal names.
_MOST_NAMED: Final = 20


class MappingReference(NamedTuple):
    """A version of a mapping set."""

    id: str
    version: int


def connection_of(objects: Objects, hanging: Fields) -> Resource | None:
    """The connection that a source or target connection hangs on, if it is there."""
    return objects.get(Kind.CONNECTION, str(hanging.get("baseConnectionId", "")))


def reference(connection: Resource) -> dict[str, Any]:
    """A connection as others name it."""
    return {"id": connection.id, "connectionSpec": connection.fields["connectionSpec"]}


def inlet_of(connection: Resource | None) -> str | None:
    """The inlet of a connection, if it is one to which records are posted."""
    if connection is None:
        return None
    auth = connection.fields.get("auth", {})
    inlet = auth.get("params", {}).get("inletId")
    return inlet if isinstance(inlet, str) else None


def dataset_of(objects: Objects, flow: Fields) -> str | None:
    """The id of the dataset that a flow writes to, if its target connection is there."""
    target = objects.get(Kind.TARGET_CONNECTION, flow["targetConnectionIds"][0])
    return None if target is None else target.fields.get("params", {}).get("dataSetId")


def schema_of_dataset(objects: Objects, dataset: str) -> str | None:
    """The id of a dataset's schema, if there is such a dataset."""
    found = objects.get(Kind.DATASET, dataset)
    return None if found is None else found.fields.get("schemaRef", {}).get("id")


def mapping_of(flow: Fields) -> MappingReference | None:
    """The mapping set that a flow's records pass, if they pass one."""
    for each in flow.get("transformations") or ():
        if each["name"] == "Mapping":
            return MappingReference(each["params"]["mappingId"], each["params"]["mappingVersion"])
    return None


def settings_id(objects: Objects, mapping: MappingReference) -> str:
    """The id under which a version of a mapping set is compiled: that which is declared has the set's own."""
    found = objects.get(Kind.MAPPING_SET, mapping.id)
    declared = found is not None and found.declared is not None and version_of(objects, mapping) is not None
    return mapping.id if declared else f"{mapping.id}/{mapping.version}"


def version_of(objects: Objects, mapping: MappingReference) -> Fields | None:
    """What a version of a mapping set says, if there is that version."""
    found = objects.get(Kind.MAPPING_SET, mapping.id)
    versions = () if found is None else found.fields.get("versions", ())
    return next((each for each in versions if each.get("version") == mapping.version), None)


def schema_of_mapping(version: Fields) -> str | None:
    """The id of the schema that a version of a mapping set maps to, if it names one."""
    schema = version.get("xdmSchema")  # stands there in whichever dialect the set came
    return schema if isinstance(schema, str) else None


def flows_of_source(objects: Objects, source: str) -> Iterator[Resource]:
    """The flows that begin at a source connection."""
    return (each for each in objects.all(Kind.FLOW) if source in each.fields["sourceConnectionIds"])


def flows_to_target(objects: Objects, target: str) -> Iterator[Resource]:
    """The flows that end at a target connection."""
    return (each for each in objects.all(Kind.FLOW) if target in each.fields["targetConnectionIds"])


def flows_of_connection(objects: Objects, connection: str) -> Iterator[Resource]:
    """The flows one of whose source connections hangs on a connection."""
    hanging = {
        each.id for each in objects.all(Kind.SOURCE_CONNECTION) if each.fields.get("baseConnectionId") == connection
    }
    return (each for each in objects.all(Kind.FLOW) if not hanging.isdisjoint(each.fields["sourceConnectionIds"]))


def ids_of(flows: Iterator[Resource]) -> str:
    """The ids of flows, with commas between; of very many the first."""
    names = [each.id for each in islice(flows, _MOST_NAMED + 1)]
    return ", ".join(names[:_MOST_NAMED] + ["…"] * (len(names) > _MOST_NAMED))
