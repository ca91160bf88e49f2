"""Mapping sets as answers show them; mappings are shown as they are kept."""

from __future__ import annotations

from typing import Any

from exporter.source.control.data_prep.documents import Document
from exporter.source.control.objects.resource import Resource
from exporter.source.xdm.schema import Schema


def shown_set(resource: Resource, document: Document, schema: Schema | None = None) -> Document:
    """A version of a set; with ``schema``, where the target schema is to be shown whole."""
    shown = {**document, **_history(resource, document)}
    output = document.get("outputSchema")
    if schema is not None and isinstance(output, dict):
        shown["outputSchema"] = {**output, "jsonSchema": schema.document}
    return shown


def shown_short(resource: Resource, document: Document) -> Document:
    """What a client is told of a set that has just been made."""
    return {"version": document["version"], **_history(resource, document)}


def _history(resource: Resource, document: Document) -> dict[str, Any]:
    return {
        "id": resource.id,
        "createdDate": resource.created.at,
        "createdBy": resource.created.client,
        "modifiedDate": document["modifiedDate"],
        "modifiedBy": document["modifiedBy"],
    }
