"""The versions of a mapping set: each change adds a version, and flows stay on the version that they name.

Of a set that was changed very often the oldest versions are forgotten, but for those that flows name.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.data_prep.documents import Document, Stamp
from exporter.source.control.objects.making import unchangeable
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource

#: As many versions as a set has at most, and as many bytes as they have together; a set is read and written whole.
MOST_VERSIONS: Final = 1_000
MOST_BYTES: Final = 8 * 1024**2
_SHOWN: Final = 64


def first_version(document: Document, stamp: Stamp) -> Resource:
    """A set that has just been made."""
    origin = stamp.origin
    return Resource(Kind.MAPPING_SET, stamp.name("set"), {"versions": [document]}, origin, origin, stamp.etag)


def versions_of(resource: Resource) -> Sequence[Document]:
    """All versions of a set, the oldest first."""
    versions: Sequence[Document] = resource.fields["versions"]
    return versions


def latest(resource: Resource) -> Document:
    """The version that a change changes."""
    return versions_of(resource)[-1]


def version_of(resource: Resource, number: int) -> Document | None:
    """The version that a flow names."""
    return next((each for each in versions_of(resource) if each["version"] == number), None)


def with_version(resource: Resource, document: Document, named: Container[int], stamp: Stamp) -> Resource | Answer:
    """The set with one more version.

    Where that is too much, the oldest versions go that are not ``named`` by a flow; 400 where that is not enough.
    """
    versions = [*versions_of(resource), document]
    sizes = [len(orjson.dumps(each)) for each in versions]
    count, size = len(versions), sum(sizes)
    kept: list[Document] = []
    for each, its_size in zip(versions, sizes, strict=True):
        too_much = count > MOST_VERSIONS or size > MOST_BYTES
        if too_much and each is not document and each["version"] not in named:
            count, size = count - 1, size - its_size
        else:
            kept.append(each)
    if count > MOST_VERSIONS or size > MOST_BYTES:
        limits = f"{MOST_VERSIONS} versions, of {MOST_BYTES} bytes together"
        return failed(400, "1400-400", f"A mapping set has at most {limits}, and flows name too many of them")
    return resource.changed({"versions": kept}, stamp.origin, stamp.etag)


def found_set(objects: Objects, name: str) -> Resource | Answer:
    """The set with an id, to be shown; 404 where there is none."""
    return objects.get(Kind.MAPPING_SET, name) or missing("mappingSets", name)


def changeable_set(objects: Objects, name: str) -> Resource | Answer:
    """The set with an id, to be changed; 404 where there is none, 400 where a file declares it."""
    resource = found_set(objects, name)
    return resource if isinstance(resource, Answer) else unchangeable(resource) or resource


def missing(kind: str, name: str) -> Answer:
    """404: there is no such thing."""
    return failed(404, "1439-404", f"{kind} not found with id = [{name[:_SHOWN]}]")
