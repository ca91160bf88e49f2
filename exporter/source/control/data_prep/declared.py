"""Mapping sets of the configuration, as the objects that they are in the API."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.data_prep.documents import Stamp, version_document
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.settings.declared import MappingSetSettings

#: Fields of mappings whose values are truth values.
_TRUTHS: Final = ("identity", "primaryIdentity")
#: No version has so many.
_DIGITS: Final = 10


def declared_set(section: MappingSetSettings, file: str, at: int) -> Resource:
    """The set of a section without mistakes, which stands in ``file``; ``at``: epoch milliseconds of its reading.

    The same section has the same etag whenever it is read.

    Raises:
        ValueError: the section has mistakes.
    """
    given: dict[str, Any] = {
        "xdmSchema": section.schema,
        "allowNullValues": section.allow_nulls,
        "mappings": section.mappings if isinstance(section.mappings, dict) else [*map(_typed, section.mappings)],
    }
    text = orjson.dumps([section.id, section.version, given], option=orjson.OPT_NON_STR_KEYS)
    stamp = Stamp(Origin(at), blake2b(text, digest_size=16).digest())
    document = version_document(given, section.version, stamp, bounded=False)
    if isinstance(document, Answer):
        raise ValueError(document.body.decode())
    return Resource(
        Kind.MAPPING_SET, section.id, {"versions": [document]}, stamp.origin, stamp.origin, stamp.etag, file
    )


def _typed(mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping with truth values and a version as clients know them: in a configuration all values are texts."""
    truths = {"true": True, "false": False}
    typed: dict[str, Any] = {key: truths[word] for key in _TRUTHS if (word := mapping.get(key)) in truths}
    version = mapping.get("version")
    if isinstance(version, str) and version.isascii() and version.isdecimal() and len(version) < _DIGITS:
        typed["version"] = int(version)
    return mapping | typed
