"""The changes of mapping sets: pure, from the objects as they are to the objects as they are to be, or to a refusal."""

from __future__ import annotations

from typing import Any

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.data_prep.documents import Document, Stamp, mapping_document, version_document
from exporter.source.control.data_prep.reading import MOST_MAPPINGS
from exporter.source.control.data_prep.shown import shown_set, shown_short
from exporter.source.control.data_prep.users import users
from exporter.source.control.data_prep.versions import (
    changeable_set,
    first_version,
    latest,
    missing,
    with_version,
)
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change
from exporter.source.control.objects.resource import Kind, Resource

_DONE = Answer(204, b"")


def create_set(objects: Objects, given: Any, stamp: Stamp) -> Change | Answer:
    """Make a set."""
    document = version_document(given, 0, stamp)
    if isinstance(document, Answer):
        return document
    resource = first_version(document, stamp)
    return Change(objects.put(resource), found(shown_short(resource, document)))


def replace_set(objects: Objects, name: str, given: Any, stamp: Stamp) -> Change | Answer:
    """Put another set in a set's place, as its next version."""
    resource = changeable_set(objects, name)
    if isinstance(resource, Answer):
        return resource
    before = latest(resource)
    document = version_document(given, before["version"] + 1, stamp, before)
    if isinstance(document, Answer):
        return document
    named = {version for _, version in users(objects, resource.id)}
    changed = with_version(resource, document, named, stamp)
    if isinstance(changed, Answer):
        return changed
    return Change(objects.put(changed), found(shown_set(changed, document)))


def delete_set(objects: Objects, name: str) -> Change | Answer:
    """Forget a set with all its versions, unless a flow needs one."""
    resource = changeable_set(objects, name)
    if isinstance(resource, Answer):
        return resource
    if (user := next(users(objects, name), None)) is not None:
        return failed(400, "1418-400", f"The mapping set is used by the flow with id = [{user[0]}]")
    return Change(objects.without(Kind.MAPPING_SET, name), _DONE)


def add_mapping(objects: Objects, name: str, given: Any, stamp: Stamp) -> Change | Answer:
    """Make a version with one more mapping."""
    resource = changeable_set(objects, name)
    if isinstance(resource, Answer):
        return resource
    mapping = mapping_document(given, stamp)
    if isinstance(mapping, Answer):
        return mapping
    before = latest(resource)["mappings"]
    if len(before) >= MOST_MAPPINGS:
        return failed(400, "1400-400", f"A mapping set has at most {MOST_MAPPINGS} mappings")
    return _with_mappings(objects, resource, [*before, mapping], stamp, found(mapping))


def replace_mapping(objects: Objects, name: str, mapping_id: str, given: Any, stamp: Stamp) -> Change | Answer:
    """Make a version with another mapping in a mapping's place."""
    resource = changeable_set(objects, name)
    if isinstance(resource, Answer):
        return resource
    mappings = list(latest(resource)["mappings"])
    place = next((place for place, each in enumerate(mappings) if each["id"] == mapping_id), None)
    if place is None:
        return missing("mappings", mapping_id)
    mapping = mapping_document(given, stamp, mappings[place])
    if isinstance(mapping, Answer):
        return mapping
    mappings[place] = mapping
    return _with_mappings(objects, resource, mappings, stamp, found(mapping))


def delete_mapping(objects: Objects, name: str, mapping_id: str, stamp: Stamp) -> Change | Answer:
    """Make a version without a mapping."""
    resource = changeable_set(objects, name)
    if isinstance(resource, Answer):
        return resource
    before = latest(resource)["mappings"]
    mappings = [each for each in before if each["id"] != mapping_id]
    if len(mappings) == len(before):
        return missing("mappings", mapping_id)
    return _with_mappings(objects, resource, mappings, stamp, _DONE)


def _with_mappings(
    objects: Objects, resource: Resource, mappings: list[Document], stamp: Stamp, answer: Answer
) -> Change | Answer:
    before = latest(resource)
    document = {**before, "version": before["version"] + 1, **stamp.modified, "mappings": mappings}
    named = {version for _, version in users(objects, resource.id)}
    changed = with_version(resource, document, named, stamp)
    return changed if isinstance(changed, Answer) else Change(objects.put(changed), answer)
