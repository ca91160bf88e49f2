"""Schemas, classes and field groups as clients read them, in the form that they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from exporter.source.control.objects.making import Making
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Resource
from exporter.source.control.schema_registry.forms import flat, without_text
from exporter.source.control.schema_registry.resolving import (
    behaviour_of,
    document_of_group,
    references_of,
    resolved,
)
from exporter.source.control.schema_registry.settings import descriptors_of
from exporter.source.xdm.groups.catalogue import CLASSES
from exporter.source.xdm.groups.field_group import FieldGroup
from exporter.source.xdm.schema import Behaviour

#: What clients may ask of a form, in any order: ``xed-full-notext``.
WORDS: Final = frozenset({"full", "notext", "flat", "desc", "deprecated", "deprecatefield", "id"})
#: What they may ask of a list: resolving the references of many schemas would take too long.
LIST_WORDS: Final = frozenset({"notext", "id"})
#: Where references are resolved.
_RESOLVED: Final = frozenset({"full", "flat", "deprecated", "deprecatefield"})
#: What a flat document says otherwise, or not.
_NOT_FLAT: Final = ("definitions", "$defs", "required", "additionalProperties")
_HOST: Final = "https://ns.adobe.com/"
#: The behaviours, by id.
DATA: Final = {Behaviour.RECORD: f"{_HOST}xdm/data/record", Behaviour.TIME_SERIES: f"{_HOST}xdm/data/time-series"}
#: What an answer says of a schema, and clients may send back to no effect.
SHOWN_ONLY: Final = frozenset(
    {
        *("$id", "$schema", "version", "imsOrg", "refs", "meta:altId", "meta:resourceType", "meta:extends"),
        *("meta:containerId", "meta:tenantNamespace", "meta:registryMetadata", "meta:extensible", "meta:abstract"),
        *("meta:descriptors", "meta:sandboxId", "meta:sandboxType", "meta:xdmType", "meta:createdDate"),
    }
)


def alternative_id(uri: str) -> str:
    """The other name of what has the id ``uri``, which needs no encoding in a path."""
    rest = uri.removeprefix(_HOST) if uri.startswith(_HOST) else uri.partition("://")[2] or uri
    return f"_{rest}".replace("/", ".")


def shown_schema(schema: Resource, objects: Objects, making: Making, wishes: frozenset[str]) -> dict[str, Any]:
    """A schema in the form that has these words."""
    fields = schema.fields
    shown = _named(schema.id, "schemas", fields["title"], fields.get("version", "1.0"))
    if "id" in wishes:
        return shown
    references = list(references_of(fields))
    behaviour = behaviour_of(fields)
    class_uri = CLASSES[behaviour].uri
    shown |= {
        "refs": references,
        "meta:extensible": False,
        "meta:abstract": False,
        "meta:class": class_uri,
        "meta:extends": list(dict.fromkeys([class_uri, *references, DATA[behaviour]])),
        "meta:containerId": "tenant",
        "meta:tenantNamespace": f"_{making.tenant}",
        "imsOrg": making.org_id,
        "meta:registryMetadata": {
            "repo:createdDate": schema.created.at,
            "repo:lastModifiedDate": schema.updated.at,
            "xdm:createdClientId": schema.created.client,
            "xdm:lastModifiedClientId": schema.updated.client,
            "xdm:repositoryCreatedBy": schema.created.client,
            "eTag": schema.etag,
        },
    }
    if "desc" in wishes:
        shown["meta:descriptors"] = [shown_descriptor(each) for each in descriptors_of(schema.id, objects)]
    document = resolved(fields) if _RESOLVED & wishes else dict(fields)
    return _formed(document if isinstance(document, dict) else dict(fields), shown, wishes)


def shown_group(group: FieldGroup, kind: str, wishes: frozenset[str]) -> dict[str, Any]:
    """A class or a field group, as ``kind`` says, in the form that has these words."""
    shown = _named(group.uri, kind, group.title, "1")
    if "id" in wishes:
        return shown
    shown |= {
        "meta:extensible": True,
        "meta:abstract": True,
        "meta:intendedToExtend": [CLASSES[each].uri for each in group.extends] if kind == "fieldgroups" else [],
        "meta:extends": [DATA[each] for each in group.extends] if kind == "classes" else [],
        "meta:containerId": "global",
    }
    return _formed({"description": group.description, **document_of_group(group)}, shown, wishes)


def shown_descriptor(descriptor: Resource) -> dict[str, Any]:
    """A descriptor."""
    return {**descriptor.fields, "@id": descriptor.id, "meta:containerId": "tenant", "version": "1"}


def _named(uri: str, kind: str, title: str, version: str) -> dict[str, Any]:
    return {
        "$id": uri,
        "meta:altId": alternative_id(uri),
        "meta:resourceType": kind,
        "version": version,
        "title": title,
    }


def _formed(document: Mapping[str, Any], shown: Mapping[str, Any], wishes: frozenset[str]) -> dict[str, Any]:
    """What is said of a document, and the document: what is known of it wins over what clients wrote."""
    both: dict[str, Any] = {"type": "object", **document, **shown}
    if "flat" in wishes:
        both = {key: value for key, value in both.items() if key not in _NOT_FLAT}
        both["properties"] = flat(document)
    return dict(without_text(both)) if "notext" in wishes else both
