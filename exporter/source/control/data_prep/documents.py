"""A version of a mapping set as it is kept: in both dialects at once, with the fields that nobody here knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.bodies import said
from exporter.source.control.data_prep.reading import read_heading, told
from exporter.source.control.objects.resource import Origin
from exporter.source.dataprep.mapping_sets import DESTINATIONS, SOURCES, SourceType, read_mapping_set

#: One version, or one of its mappings, as JSON.
Document = dict[str, Any]

_HISTORY: Final = ("id", "createdDate", "createdBy", "modifiedDate", "modifiedBy")
#: What is said of a set by the exporter, whatever a client says.
_OURS_OF_SET: Final = frozenset({*_HISTORY, "version", "mappings", "allow_nulls"})
#: What is kept of the target in a form of its own.
_OF_TARGET: Final = frozenset({"outputSchema", "xdmSchema", "xdmVersion", "schema"})
#: What answers always have, where nobody says anything else.
_SAID_OF_SET: Final[Document] = {"status": "PUBLISHED", "supportVersion": "1.1", "strictMapping": False}
_SAID_OF_MAPPING: Final[Document] = {
    "version": 0,
    "sourceType": SourceType.ATTRIBUTE.value,
    "identity": False,
    "primaryIdentity": False,
    "matchScore": 0.0,
    "functionVersion": 1,
}
_CONTENT_TYPE: Final = "application/vnd.adobe.xed-full+json;version=1"
_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and by whom a change was asked for, and what names come from.

    Attributes:
        origin: the time and the client.
        seed: 16 unpredictable bytes; the same bytes give the same names.
    """

    origin: Origin
    seed: bytes

    def name(self, what: str) -> str:
        """32 hexadecimal digits for ``what``."""
        return blake2b(what.encode(), key=self.seed, digest_size=16).hexdigest()

    @property
    def etag(self) -> str:
        """The etag after the change."""
        return str(UUID(hex=self.name("etag")))

    @property
    def modified(self) -> Document:
        return {"modifiedDate": self.origin.at, "modifiedBy": self.origin.client}

    @property
    def created(self) -> Document:
        return {"createdDate": self.origin.at, "createdBy": self.origin.client, **self.modified}


def version_document(
    given: Any, number: int, stamp: Stamp, before: Document | None = None, *, bounded: bool = True
) -> Document | Answer:
    """What is kept of a set that a client sent, as its version ``number``; 400 where it is no set.

    Mappings need not compile. ``before`` is the version before: its mappings keep their ids, and where the dialects
    disagree, the dialect counts in which something is new. ``bounded``: a set with too many mappings is refused, too.
    """
    given = said(given) if isinstance(given, dict) else given
    heading = read_heading(given, bounded=bounded)
    if isinstance(heading, Answer):
        return heading
    mappings = _listed(given.get("mappings", []))
    if isinstance(mappings, Answer):
        return mappings
    known = {} if before is None else {each["id"]: each for each in before["mappings"]}
    kept = {name: value for name, value in given.items() if name not in _OURS_OF_SET | _OF_TARGET}
    return {
        **_SAID_OF_SET,
        **kept,
        **_target(given, before),
        "allowNullValues": heading.allow_nulls,
        "version": number,
        **stamp.modified,
        "mappings": [_kept(each, str(place), stamp, known) for place, each in enumerate(mappings)],
    }


def mapping_document(given: Any, stamp: Stamp, before: Document | None = None) -> Document | Answer:
    """What is kept of one mapping; 400 where it is none. ``before`` is the one whose place it takes."""
    if not isinstance(given, dict):
        return failed(400, "1400-400", "A mapping is a JSON object")
    if before is None:
        return _kept(given, "one", stamp, {})
    return _kept({**given, "id": before["id"]}, "one", stamp, {before["id"]: before})


def _listed(given: Any) -> Sequence[Document] | Answer:
    """The mappings as a list of objects, whichever form they came in."""
    if isinstance(given, dict):
        read = read_mapping_set({"mappings": given})
        if isinstance(read, tuple):
            return failed(400, "1400-400", told(read))
        return [
            {"sourceType": each.source_type.value, "source": each.source, "destination": each.destination}
            for each in read.mappings
        ]
    wrong = next((place for place, each in enumerate(given) if not isinstance(each, dict)), None)
    return given if wrong is None else failed(400, "1400-400", f"mappings.{wrong}: a mapping is an object")


def _kept(given: Mapping[str, Any], place: str, stamp: Stamp, known: dict[str, Document]) -> Document:
    """A mapping with its names in both dialects, its id and its history; an id of ``known`` is used once."""
    given = said(given)
    name = given.get("id")
    before = known.pop(name, None) if isinstance(name, str) else None
    kept = {**_SAID_OF_MAPPING, **{name: value for name, value in given.items() if name not in _HISTORY}}
    for names in (SOURCES, DESTINATIONS):
        value = _newest([given.get(each) for each in names], None if before is None else before.get(names[0]))
        if value is not None:
            kept |= dict.fromkeys(names, value)
    if before is None:
        return {**kept, "id": stamp.name(f"mapping {place}"), **stamp.created}
    history = {name: before[name] for name in _HISTORY}
    same = kept == {name: value for name, value in before.items() if name not in _HISTORY}
    return {**kept, **history} if same else {**kept, **history, **stamp.modified}


def _target(given: Document, before: Document | None) -> Document:
    """The target schema in both dialects, which are always of one mind; none where none is named."""
    output = given.get("outputSchema")
    # What stands there already is the answer to expandSchema.
    output = {name: value for name, value in output.items() if name != "jsonSchema"} if isinstance(output, dict) else {}
    reference = output.pop("schemaRef", None)
    reference = reference if isinstance(reference, dict) else {}
    named = [reference.get("id"), given.get("xdmSchema"), given.get("schema")]
    schema = _newest([each or None for each in named], None if before is None else before.get("xdmSchema"))
    if not isinstance(schema, str):
        return {"outputSchema": output} if output else {}
    content_type = reference.get("contentType")
    reference = {**reference, "id": schema, "contentType": content_type or _CONTENT_TYPE}
    version = given.get("xdmVersion") or _VERSION
    return {"outputSchema": {**output, "schemaRef": reference}, "xdmSchema": schema, "xdmVersion": version}


def _newest(values: Sequence[Any], before: Any) -> Any:
    """Of what the dialects say, the first that was not said ``before``, or else the first; None: nothing is said."""
    told_now = [value for value in values if value is not None]
    return next((value for value in told_now if value != before), next(iter(told_now), None))
