"""One object of the control plane, whichever way it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

import msgspec


class Kind(StrEnum):
    """What objects there are, by the word that stands in their paths."""

    CONNECTION = "connections"
    SOURCE_CONNECTION = "sourceConnections"
    TARGET_CONNECTION = "targetConnections"
    FLOW = "flows"
    MAPPING_SET = "mappingSets"
    SCHEMA = "schemas"
    DESCRIPTOR = "descriptors"
    DATASET = "dataSets"
    NAMESPACE = "identities"
    #: A flow that was deleted by API, which records in the intake may still name.
    DELETED_FLOW = "deletedFlows"
    #: An intake that may hold records which name a flow that was deleted, by whichever process: they share the objects.
    INTAKE = "intakes"


@dataclass(frozen=True, slots=True)
class Origin:
    """When and by whom something was done: epoch milliseconds, and the client, as far as it is known."""

    at: int
    client: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """An object. Never changed: a new one takes its place.

    Attributes:
        kind: what it is.
        id: unique within the kind.
        fields: what it says, in the words of the API, without what stands below.
        created: when and by whom it was made.
        updated: when and by whom it was changed last.
        etag: 36 characters, new with every change, without quotes.
        declared: the file that declares it, in which alone it can be changed; None: it was made by API.
    """

    kind: Kind
    id: str
    fields: Mapping[str, Any] = field(repr=False)
    created: Origin
    updated: Origin
    etag: str
    declared: str | None = None

    def changed(self, fields: Mapping[str, Any], origin: Origin, etag: str) -> Self:
        """The object with other fields."""
        return replace(self, fields=fields, updated=origin, etag=etag)


class _Document(msgspec.Struct):
    """How an object that was made stands in the state."""

    fields: dict[str, Any]
    created: Origin
    updated: Origin
    etag: str


_decoder = msgspec.json.Decoder(_Document)


def document_of(resource: Resource) -> bytes:
    """The document by which a resource that was made is kept."""
    document = _Document(dict(resource.fields), resource.created, resource.updated, resource.etag)
    return msgspec.json.encode(document)


def resource_of(kind: Kind, name: str, document: bytes) -> Resource:
    """The resource of a document.

    Raises:
        ValueError: the document is none that ``document_of`` wrote.
    """
    read = _decoder.decode(document)
    return Resource(kind, name, read.fields, read.created, read.updated, read.etag)
