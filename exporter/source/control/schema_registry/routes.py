"""The rows of the table for the schema registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from exporter.source.control.objects.making import Making
from exporter.source.control.objects.register import Register
from exporter.source.control.routes import Reads, Route
from exporter.source.control.schema_registry import shapes
from exporter.source.control.schema_registry.descriptors import Descriptors
from exporter.source.control.schema_registry.library import LIBRARY, Library
from exporter.source.control.schema_registry.listing import QUERY
from exporter.source.control.schema_registry.schemas import Schemas
from exporter.source.control.schema_registry.stats import Stats
from exporter.source.control.shapes import JSON_PATCH, array

PATH: Final = "/data/foundation/schemaregistry"
_GONE: Final = {204: None}


def routes_of(register: Register, making: Making, closed: Callable[[], bool] = lambda: False) -> Iterator[Route]:
    """The rows of the table; ``closed``: whether records with a namespace that is not there are bad now."""
    stats = Stats(register, making).get
    yield Route(
        "GET", f"{PATH}/stats", "getStats", "Count what the registry holds.", stats, answers={200: shapes.STATS}
    )
    yield from _schemas(Schemas(register, making))
    yield from _descriptors(Descriptors(register, making, closed))
    yield from _library()


def _schemas(schemas: Schemas) -> Iterator[Route]:
    many, one = f"{PATH}/tenant/schemas", f"{PATH}/tenant/schemas/{{id}}"
    listed, shown, made = {200: shapes.page(array(shapes.SCHEMA))}, {200: shapes.SCHEMA}, {201: shapes.SCHEMA}
    yield Route("GET", many, "listSchemas", "List schemas.", schemas.all, answers=listed, query=QUERY)
    yield Route("POST", many, "createSchema", "Make a schema.", schemas.post, Reads.JSON, shapes.NEW_SCHEMA, made)
    summary = "Read a schema, in the form that Accept names."
    yield Route("GET", one, "getSchema", summary, schemas.get, answers=shown)
    yield Route("PUT", one, "replaceSchema", "Write a schema anew.", schemas.put, Reads.JSON, shapes.NEW_SCHEMA, shown)
    summary = "Change a schema by JSON Patch."
    yield Route("PATCH", one, "changeSchema", summary, schemas.patch, Reads.JSON, JSON_PATCH, shown)
    summary = "Delete a schema that no dataset and no mapping set has, with its descriptors."
    yield Route("DELETE", one, "deleteSchema", summary, schemas.delete, answers=_GONE)


def _descriptors(descriptors: Descriptors) -> Iterator[Route]:
    many, one = f"{PATH}/tenant/descriptors", f"{PATH}/tenant/descriptors/{{id}}"
    listed, shown, made = {200: shapes.DESCRIPTORS}, {200: shapes.DESCRIPTOR}, {201: shapes.DESCRIPTOR}
    summary = "List descriptors, by their kinds or, with xdm-v2 in Accept, a page of them."
    yield Route("GET", many, "listDescriptors", summary, descriptors.all, answers=listed, query=QUERY)
    summary = "Make a descriptor: say where an identity of a schema stands."
    yield Route("POST", many, "createDescriptor", summary, descriptors.post, Reads.JSON, shapes.NEW_DESCRIPTOR, made)
    yield Route("GET", one, "getDescriptor", "Read a descriptor.", descriptors.get, answers=shown)
    summary = "Write a descriptor anew."
    yield Route("PUT", one, "replaceDescriptor", summary, descriptors.put, Reads.JSON, shapes.NEW_DESCRIPTOR, shown)
    summary = "Delete a descriptor, unless it says where identities of a dataset stand."
    yield Route("DELETE", one, "deleteDescriptor", summary, descriptors.delete, answers=_GONE)


def _library() -> Iterator[Route]:
    """Clients read what ships with the package in their own container too, and have nothing of their own there."""
    listed, shown = {200: shapes.page(array(shapes.LIBRARY))}, {200: shapes.LIBRARY}
    for kind, shipped in LIBRARY.items():
        name = kind.capitalize()
        for container in ("global", "tenant"):
            if (container, kind) == ("tenant", "schemas"):
                continue
            library = Library(kind, shipped if container == "global" else ())
            where, whose = f"{PATH}/{container}/{kind}", container.capitalize()
            summary = f"List {kind} of the {container} container."
            yield Route("GET", where, f"list{whose}{name}", summary, library.all, answers=listed, query=QUERY)
            summary = f"Read one of {kind} that ship with the exporter."
            yield Route("GET", f"{where}/{{id}}", f"get{whose}{name}", summary, library.get, answers=shown)
