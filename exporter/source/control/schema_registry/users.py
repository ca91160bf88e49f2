"""What names a schema, so that the schema, and what says where its identities stand, have to stay."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.flow_service.references import schema_of_mapping
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind


def datasets_of(objects: Objects, schema: str) -> Iterator[str]:
    """The ids of the datasets of a schema."""
    return (each.id for each in objects.all(Kind.DATASET) if each.fields["schemaRef"]["id"] == schema)


def mapping_sets_to(objects: Objects, schema: str) -> Iterator[str]:
    """The ids of the mapping sets a version of which maps to a schema."""
    for each in objects.all(Kind.MAPPING_SET):
        if any(schema_of_mapping(version) == schema for version in each.fields["versions"]):
            yield each.id


def held(users: Iterator[str], words: str) -> Answer | None:
    """400: something is used, as ``words`` begin to say, by users with these ids; None: there are none."""
    names = list(users)
    return failed(400, "1400-400", f"{words}: {', '.join(names)}") if names else None
