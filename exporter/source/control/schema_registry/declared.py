"""The schemas of a configuration, and their identities, as objects of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from exporter.source.control.objects.making import declared_resource
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.schema_registry.settings import IDENTITY
from exporter.source.control.schema_registry.showing import SHOWN_ONLY
from exporter.source.settings.declared import IdentityDescriptor, SchemaSettings
from exporter.source.xdm.declaring.fields import FieldDeclarations
from exporter.source.xdm.groups.catalogue import CLASSES, GROUPS
from exporter.source.xdm.identity_paths import steps_to
from exporter.source.xdm.schema import Behaviour
from exporter.source.xdm.validation.pointers import below

_SMALLEST, _GREATEST = -(2**63), 2**64 - 1


def declared_resources(sections: Sequence[SchemaSettings], file: str, at: int) -> Iterator[Resource]:
    """What ``schemas`` of a ``file``, which was read ``at`` epoch milliseconds, declares: schemas and descriptors."""
    for section in sections:
        yield declared_resource(Kind.SCHEMA, section.id, _fields(section), file, at)
        for index, identity in enumerate(section.identities):
            name = sha256(f"{section.id} {index}".encode()).hexdigest()[:40]
            yield declared_resource(Kind.DESCRIPTOR, name, _descriptor(section.id, identity), file, at)


def _fields(section: SchemaSettings) -> dict[str, Any]:
    behaviour = Behaviour(section.behaviour)
    known = {
        "title": section.title or section.id,
        "version": "1.0",
        "meta:class": CLASSES[behaviour].uri,
        "meta:immutableTags": [],
    }
    if section.schema is not None:
        return {**{key: _plain(value) for key, value in section.schema.items() if key not in SHOWN_ONLY}, **known}
    groups = [GROUPS[name].uri for name in section.groups if name in GROUPS]
    all_of: list[Any] = [{"$ref": uri} for uri in (CLASSES[behaviour].uri, *groups)]
    if section.fields:
        declared = FieldDeclarations()
        declared.add(section.fields, ())
        all_of.append(declared.document())
    return {"type": "object", "allOf": all_of, **known}


def _descriptor(schema_id: str, identity: IdentityDescriptor) -> dict[str, Any]:
    pointer = ""
    for step in steps_to(identity.path):
        pointer = below(pointer, step)
    return {
        "@type": IDENTITY,
        "xdm:sourceSchema": schema_id,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": pointer,
        "xdm:namespace": identity.namespace,
        "xdm:property": "xdm:code",
        "xdm:isPrimary": identity.primary,
    }


def _plain(value: Any) -> Any:
    """The same as every reader of JSON reads it: what YAML has beyond JSON, in defaults and examples, becomes text.

    Whole numbers of more than 64 bits become floating-point numbers: limits may be as great.
    """
    match value:
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case bool() | float() | str() | None:
            return value
        case int():
            return value if _SMALLEST <= value <= _GREATEST else float(value)
        case _:
            return str(value)
