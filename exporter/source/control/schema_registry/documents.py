"""Bodies of requests about schemas: what of them is kept, and what is wrong with the others at first sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.schema_registry.showing import SHOWN_ONLY

_TAGS: Final = "meta:immutableTags"
_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "description": (str, "a text"),
    "meta:class": (str, "the id of a class"),
    "allOf": (list, "an array of references and schemas"),
    _TAGS: (list, "an array of texts"),
}


def fields_of(given: Mapping[str, Any], version: str, tags: Sequence[str] = ()) -> dict[str, Any] | Answer:
    """The fields of a schema that a body is to make, or 400.

    Args:
        given: the body; what only answers say is left out.
        version: the version that the schema gets.
        tags: those that the schema has had before: they never go (``union``).
    """
    fields = {key: value for key, value in given.items() if key not in SHOWN_ONLY}
    title = fields.get("title")
    if not isinstance(title, str) or not title.strip():
        return failed(400, "1400-400", "title should be a text")
    if fields.get("type", "object") != "object":
        return failed(400, "1400-400", "type should be object")
    for key, (kind, words) in _TYPES.items():
        if key in fields and not isinstance(fields[key], kind):
            return failed(400, "1400-400", f"{key} should be {words}")
    given_tags = fields.get(_TAGS, [])
    if not all(isinstance(each, str) for each in given_tags):
        return failed(400, "1400-400", f"{_TAGS} should be {_TYPES[_TAGS][1]}")
    fields[_TAGS] = list(dict.fromkeys([*given_tags, *tags]))
    return {**fields, "version": version}


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
