"""What a schema of the registry, with its descriptors, is compiled from: the same settings that a configuration has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from exporter.sections.mistakes import Mistake
from exporter.source.control.namespaces import code_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.schema_registry.resolving import behaviour_of, resolved
from exporter.source.settings.declared import IdentityDescriptor, SchemaSettings
from exporter.source.xdm.declaring.awaited import is_awaited
from exporter.source.xdm.identity_paths import steps_to

#: The one kind of descriptor that has an effect.
IDENTITY: Final = "xdm:descriptorIdentity"


def settings_of(schema: Resource, objects: Objects) -> SchemaSettings | tuple[Mistake, ...]:
    """The settings of a schema that was made, or why there are none, with places that begin at the schema's fields."""
    document = resolved(schema.fields)
    if isinstance(document, tuple):
        return document
    given = (_identity(each.fields, objects) for each in identities_of(schema.id, objects))
    identities = tuple(each for each in given if not _waits(each.path, document))
    return SchemaSettings(
        id=schema.id,
        title=schema.fields["title"],
        behaviour=behaviour_of(schema.fields).value,
        schema=document,
        identities=identities,
    )


def descriptors_of(schema_id: str, objects: Objects) -> Iterator[Resource]:
    """The descriptors of a schema, in the order in which they were made."""
    return (each for each in objects.all(Kind.DESCRIPTOR) if each.fields["xdm:sourceSchema"] == schema_id)


def identities_of(schema_id: str, objects: Objects) -> Iterator[Resource]:
    """Those descriptors of a schema that say where an identity stands."""
    return (each for each in descriptors_of(schema_id, objects) if each.fields["@type"] == IDENTITY)


def waiting(schema: Resource, objects: Objects) -> frozenset[str]:
    """The ids of the descriptors of a schema without mistakes whose fields it does not have at all."""
    document = resolved(schema.fields)
    identities = identities_of(schema.id, objects)
    return frozenset(each.id for each in identities if _waits(each.fields["xdm:sourceProperty"], document))


def _waits(path: str, document: Any) -> bool:
    """Whether the descriptor of a path waits for the field group of it: clients tell what stands there beforehand.

    A group that is there without the field, or is none, is another thing: that is a slip of the pen.
    """
    steps, properties = steps_to(path), document.get("properties", {}) if isinstance(document, dict) else None
    return bool(steps) and isinstance(properties, dict) and steps[0] not in properties and is_awaited(steps[0])


def _identity(fields: Mapping[str, Any], objects: Objects) -> IdentityDescriptor:
    namespace = fields["xdm:namespace"]
    if fields.get("xdm:property") == "xdm:id":  # then it is the number of one
        namespace = code_of(objects, str(namespace)) or str(namespace)
    primary = fields.get("xdm:isPrimary", False)
    return IdentityDescriptor(path=fields["xdm:sourceProperty"], namespace=namespace, primary=primary)
