"""Bodies of requests about schemas: what of them is kept, and what is wrong with the others at first sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.bodies import fault_by, said
from exporter.source.control.schema_registry.shapes import NEW_SCHEMA
from exporter.source.control.schema_registry.showing import SHOWN_ONLY

_TAGS: Final = "meta:immutableTags"
_FAULT: Final = fault_by(NEW_SCHEMA)


def fields_of(given: Mapping[str, Any], version: str, tags: Sequence[str] = ()) -> dict[str, Any] | Answer:
    """The fields of a schema that a body is to make, or 400.

    Args:
        given: the body; what only answers say is left out.
        version: the version that the schema gets.
        tags: those that the schema has had before: they never go (``union``).
    """
    fields = {key: value for key, value in said(given).items() if key not in SHOWN_ONLY}
    if (fault := _FAULT(fields)) is not None:
        return failed(400, "1400-400", fault)
    fields[_TAGS] = list(dict.fromkeys([*fields.get(_TAGS, ()), *tags]))
    return {**fields, "version": version}


def fields_in(document: Any) -> int:
    """How many fields a JSON Schema document has, however deep."""
    count, ahead = 0, [document]
    while ahead:
        each = ahead.pop()
        if isinstance(each, dict):
            properties = each.get("properties")
            count += len(properties) if isinstance(properties, dict) else 0
            ahead += each.values()
        elif isinstance(each, list):
            ahead += each
    return count


def tags_of(fields: Mapping[str, Any]) -> Sequence[str]:
    """The tags that a schema never loses."""
    tags: Sequence[str] = fields.get(_TAGS, ())
    return tags


def refused(mistakes: Sequence[Mistake]) -> Answer:
    """400: what is wrong with a schema, or with what a change of it does to others; places are said as they stand."""
    return failed(400, "1400-400", "; ".join(_words(each) for each in mistakes))


def _words(mistake: Mistake) -> str:
    place = "/".join(str(step) for step in mistake.at)
    return f"{place}: {mistake.reason}" if place else mistake.reason
