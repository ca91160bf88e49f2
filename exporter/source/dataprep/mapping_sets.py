"""Reads mapping sets: both dialects of the API, and the short form of the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping as Keyed
from dataclasses import dataclass
from enum import Enum
from typing import Any

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.dataprep.paths import parse_path

_TYPES = {
    "attribute": "ATTRIBUTE",
    "text/x.schema-path": "ATTRIBUTE",
    "static": "STATIC",
    "expression": "EXPRESSION",
    "text/x.aep-xl": "EXPRESSION",
}
#: The names of one field of a mapping in the two dialects; the first that is there counts.
SOURCES = ("source", "sourceAttribute")
DESTINATIONS = ("destination", "destinationXdmPath")
#: What begins like a path, and is a constant or an operator of the expression language.
_WORDS = frozenset({"true", "false", "null", "not", "empty", "size"})
_PLAIN_PATH = re.compile(r"(?:\$\{[^}]+\}|[^\W\d][\w$]*|\$[\w$]*)(?:\.(?:\$\{[^}]+\}|[\w$]|\\.)+|\[(?:[0-9]+|\*)\])*")


class SourceType(Enum):
    """What a mapping's source is: a path into the record, a constant, or an expression."""

    ATTRIBUTE = "ATTRIBUTE"
    STATIC = "STATIC"
    EXPRESSION = "EXPRESSION"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping: the value that ``source`` names goes to the path ``destination``.

    ``source`` is text; a STATIC source may also be a number or a boolean.
    """

    source_type: SourceType
    source: str | int | float
    destination: str


@dataclass(frozen=True, slots=True)
class MappingSet:
    """A mapping set as it came.

    Attributes:
        id: its name, 32 hexadecimal digits where it was made by the API; None where the document has none.
        version: grows with every change.
        schema: the id of the target schema, None where the document names none.
        allow_nulls: whether a source that is missing, null or failed writes a null.
        mappings: in the order in which they are applied; of two on one path the later wins.
    """

    id: str | None
    version: int
    schema: str | None
    allow_nulls: bool
    mappings: tuple[Mapping, ...]


def read_mapping_set(document: Any) -> MappingSet | tuple[Mistake, ...]:
    """The mapping set in ``document``, parsed JSON or YAML, or all its mistakes. Never raises.

    Fields that no dialect has are passed over. ``mappings`` is a list in either dialect, or the short form
    ``{destination path: source}`` in which a source is a path or an expression.
    """
    if not isinstance(document, dict):
        return (Mistake((), "a mapping set is an object"),)
    found: list[Mistake] = []
    version = document.get("version", 0)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        found.append(Mistake(("version",), "a version is a whole number from 0"))
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        found.append(Mistake(("id",), "an id is text"))
    nulls = _first(document, "allowNullValues", "allow_nulls")
    if nulls is not None and not isinstance(nulls, bool):
        found.append(Mistake(("allowNullValues",), "is true or false"))
    schema = _schema(document, found)
    mappings = _mappings(document.get("mappings", []), found)
    return tuple(found) or MappingSet(identifier, version, schema, bool(nulls), mappings)


def _first(fields: Keyed[str, Any], *names: str) -> Any:
    return next((value for name in names if (value := fields.get(name)) is not None), None)


def _schema(document: dict[str, Any], found: list[Mistake]) -> str | None:
    """The target schema's id, wherever the dialect keeps the id."""
    output = document.get("outputSchema")
    reference = output.get("schemaRef") if isinstance(output, dict) else None
    schema = reference.get("id") if isinstance(reference, dict) else _first(document, "xdmSchema", "schema")
    if schema is not None and not isinstance(schema, str):
        found.append(Mistake(("outputSchema", "schemaRef", "id"), "a schema's id is text"))
        return None
    return schema


def _mappings(given: Any, found: list[Mistake]) -> tuple[Mapping, ...]:
    if isinstance(given, dict):
        read = [_short(destination, source, found) for destination, source in given.items()]
    elif isinstance(given, list):
        read = [_long(fields, ("mappings", number), found) for number, fields in enumerate(given)]
    else:
        found.append(Mistake(("mappings",), "is a list of mappings, or an object {destination path: source}"))
        read = []
    return tuple(mapping for mapping in read if mapping is not None)


def _short(destination: Any, source: Any, found: list[Mistake]) -> Mapping | None:
    at: Steps = ("mappings", str(destination))
    if not isinstance(destination, str) or not _is_path(destination, at, found):
        return None
    if isinstance(source, bool | int | float):
        return Mapping(SourceType.STATIC, source, destination)
    if not isinstance(source, str) or not source.strip():
        found.append(Mistake(at, "a source is a path or an expression"))
        return None
    plain = _PLAIN_PATH.fullmatch(source) is not None and source.split(".", 1)[0].lower() not in _WORDS
    return Mapping(SourceType.ATTRIBUTE if plain else SourceType.EXPRESSION, source, destination)


def _long(fields: Any, at: Steps, found: list[Mistake]) -> Mapping | None:
    if not isinstance(fields, dict):
        found.append(Mistake(at, "a mapping is an object"))
        return None
    source_type = fields.get("sourceType") or "ATTRIBUTE"
    kind = _TYPES.get(source_type.lower()) if isinstance(source_type, str) else None
    source = _first(fields, *SOURCES)
    destination = _first(fields, *DESTINATIONS)
    before = len(found)
    if kind is None:
        found.append(Mistake((*at, "sourceType"), "is ATTRIBUTE, STATIC or EXPRESSION"))
    scalar = kind == "STATIC" and isinstance(source, bool | int | float)
    if not scalar and (not isinstance(source, str) or (not source and kind != "STATIC")):
        found.append(Mistake((*at, "source"), "is missing" if source in (None, "") else "is text"))
    if not isinstance(destination, str):
        found.append(Mistake((*at, "destination"), "is missing" if destination is None else "is text"))
    else:
        _is_path(destination, (*at, "destination"), found)
    if len(found) > before or kind is None or source is None or not isinstance(destination, str):
        return None
    return Mapping(SourceType(kind), source, destination)


def _is_path(destination: str, at: Steps, found: list[Mistake]) -> bool:
    path = parse_path(destination)
    if isinstance(path, str):
        found.append(Mistake(at, f"the destination {path}"))
        return False
    return True
