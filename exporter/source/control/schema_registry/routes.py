"""The rows of the table for the schema registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from exporter.source.control.objects.making import Making
from exporter.source.control.objects.register import Register
from exporter.source.control.routes import Reads, Route
from exporter.source.control.schema_registry.descriptors import Descriptors
from exporter.source.control.schema_registry.library import LIBRARY, Library
from exporter.source.control.schema_registry.listing import QUERY
from exporter.source.control.schema_registry.schemas import Schemas
from exporter.source.control.schema_registry.stats import Stats

PATH: Final = "/data/foundation/schemaregistry"
_OBJECT: Final[Mapping[str, Any]] = {"type": "object"}
_MADE: Final = {201: _OBJECT}
_GONE: Final = {204: None}
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string"},
        "description": {"type": "string"},
        "type": {"type": "string", "enum": ["object"]},
        "allOf": {"type": "array", "items": _OBJECT},
        "properties": _OBJECT,
        "meta:immutableTags": {"type": "array", "items": {"type": "string"}},
    },
}
_PATCH: Final[Mapping[str, Any]] = {"type": "array", "items": _OBJECT}
_DESCRIPTOR: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["@type", "xdm:sourceSchema"],
    "properties": {
        "@type": {"type": "string"},
        "xdm:sourceSchema": {"type": "string"},
        "xdm:sourceVersion": {"type": "integer"},
        "xdm:sourceProperty": {"type": "string"},
        "xdm:namespace": {"type": ["string", "integer"]},
        "xdm:property": {"type": "string"},
        "xdm:isPrimary": {"type": "boolean"},
    },
}


def routes_of(register: Register, making: Making) -> Iterator[Route]:
    """The rows of the table."""
    yield Route("GET", f"{PATH}/stats", "getStats", "Count what the registry holds.", Stats(register, making).get)
    yield from _schemas(Schemas(register, making))
    yield from _descriptors(Descriptors(register, making))
    yield from _library()


def _schemas(schemas: Schemas) -> Iterator[Route]:
    many, one = f"{PATH}/tenant/schemas", f"{PATH}/tenant/schemas/{{id}}"
    yield Route("GET", many, "listSchemas", "List schemas.", schemas.all, query=QUERY)
    yield Route("POST", many, "createSchema", "Make a schema.", schemas.post, Reads.JSON, _SCHEMA, _MADE)
    summary = "Read a schema, in the form that Accept names."
    yield Route("GET", one, "getSchema", summary, schemas.get)
    yield Route("PUT", one, "replaceSchema", "Write a schema anew.", schemas.put, Reads.JSON, _SCHEMA)
    yield Route("PATCH", one, "changeSchema", "Change a schema by JSON Patch.", schemas.patch, Reads.JSON, _PATCH)
    summary = "Delete a schema that no dataset has, with its descriptors."
    yield Route("DELETE", one, "deleteSchema", summary, schemas.delete, answers=_GONE)


def _descriptors(descriptors: Descriptors) -> Iterator[Route]:
    many, one = f"{PATH}/tenant/descriptors", f"{PATH}/tenant/descriptors/{{id}}"
    summary = "List descriptors, by their kinds or, with xdm-v2 in Accept, a page of them."
    yield Route("GET", many, "listDescriptors", summary, descriptors.all, query=QUERY)
    summary = "Make a descriptor: say where an identity of a schema stands."
    yield Route("POST", many, "createDescriptor", summary, descriptors.post, Reads.JSON, _DESCRIPTOR, _MADE)
    yield Route("GET", one, "getDescriptor", "Read a descriptor.", descriptors.get)
    yield Route("PUT", one, "replaceDescriptor", "Write a descriptor anew.", descriptors.put, Reads.JSON, _DESCRIPTOR)
    yield Route("DELETE", one, "deleteDescriptor", "Delete a descriptor.", descriptors.delete, answers=_GONE)


def _library() -> Iterator[Route]:
    """Clients read what ships with the package in their own container too, and have nothing of their own there."""
    for kind, shipped in LIBRARY.items():
        name = kind.capitalize()
        for container in ("global", "tenant"):
            if (container, kind) == ("tenant", "schemas"):
                continue
            library = Library(kind, shipped if container == "global" else ())
            where, whose = f"{PATH}/{container}/{kind}", container.capitalize()
            summary = f"List {kind} of the {container} container."
            yield Route("GET", where, f"list{whose}{name}", summary, library.all, query=QUERY)
            summary = f"Read one of {kind} that ship with the exporter."
            yield Route("GET", f"{where}/{{id}}", f"get{whose}{name}", summary, library.get)
