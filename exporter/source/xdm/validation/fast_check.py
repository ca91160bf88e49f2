"""Whether a value is right by a schema: compiled by fastjsonschema, in our meaning of types, formats and patterns.

The library gets a document of our own, in the dialect of its draft 4 (where ``1.0`` is no integer), with nothing in it
but keywords whose meaning we know: no address that could be opened, no pattern that could explode, formats and patterns
as functions of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastjsonschema

from exporter.source.xdm.validation.first_sight import is_right, sight_of
from exporter.source.xdm.validation.nodes import (
    Array,
    Boolean,
    Combined,
    Node,
    Nodes,
    Not,
    Null,
    Numeric,
    Object,
    Part,
    Permitted,
    Reference,
    Text,
)

#: Nodes in each other that become one function. Python refuses code of more than 20 loops and tries in each other; each
#: further function costs, as the library makes a text of the place for its calls.
_LEVELS_OF_A_FUNCTION = 12

Document = dict[str, Any]


def compile_check(nodes: Nodes) -> Callable[[Any], bool]:
    """A function that tells whether a JSON value is right. It changes nothing in the value."""
    writing = _Writing()
    root = writing.node(nodes.root, 0)
    for at, node in nodes.referenced.items():
        writing.definitions[writing.name_of(at)] = writing.node(node, 0)
    document = {"$schema": "http://json-schema.org/draft-04/schema", **root, "definitions": writing.definitions}
    validate = fastjsonschema.compile(document, formats=writing.formats, use_default=False, detailed_exceptions=False)

    sight = sight_of(nodes.root)

    def passes(value: Any) -> bool:
        if sight is not None and is_right(value, sight):
            return True
        try:
            validate(value)
        except (fastjsonschema.JsonSchemaValueException, OverflowError):
            # The library divides for multipleOf, and an integer may be too large for that.
            return False
        return True

    return passes


class _Writing:
    """The document for the library, as far as it is written."""

    def __init__(self) -> None:
        self.definitions: dict[str, Document] = {}
        self.formats: dict[str, Callable[[str], bool]] = {}
        self._names: dict[str, str] = {}

    def name_of(self, at: str) -> str:
        """The name among our definitions of what stands at a place."""
        return self._names.setdefault(at, f"r{len(self._names)}")

    def node(self, node: Node, level: int) -> Document:
        """The schema of ``node``, which stands within ``level`` others of the same function."""
        if level >= _LEVELS_OF_A_FUNCTION and node.parts:
            name = f"d{len(self.definitions)}"
            self.definitions[name] = {}
            self.definitions[name] = self.node(node, 0)
            return _reference(name)
        parts = [self._part(part, level + 1) for part in node.parts]
        if len(parts) == 1 and parts[0].keys() != {"$ref"}:
            return parts[0]
        if len(parts) > 1 or (parts and level == 0):
            return {"allOf": parts}
        return parts[0] if parts else {}

    def _part(self, part: Part, level: int) -> Document:
        match part:
            case Text():
                return self._text(part)
            case Numeric():
                return _numeric(part)
            case Boolean():
                return {"type": "boolean"}
            case Null():
                return {"type": "null"}
            case Object():
                return self._object(part, level)
            case Array():
                return self._array(part, level)
            case Permitted(values):
                return {"enum": list(values)}
            case Combined(how, inner):
                return {how.value: [self.node(each, level) for each in inner]}
            case Not(inner):
                return {"not": self.node(inner, level)}
            case Reference(to):
                return _reference(self.name_of(to))

    def _text(self, part: Text) -> Document:
        written: Document = {"type": "string"} if part.required else {}
        written |= _given(minLength=part.min_length, maxLength=part.max_length)
        checks = [] if part.format is None else [part.format.fits]
        checks += [] if part.pattern is None else [part.pattern.found]
        if checks:
            name = f"f{len(self.formats)}"
            self.formats[name] = checks[0] if len(checks) == 1 else _both(*checks)
            written["format"] = name
        return written

    def _object(self, part: Object, level: int) -> Document:
        written: Document = {"type": "object"} if part.required else {}
        if part.properties:
            written["properties"] = {key: self.node(inner, level) for key, inner in part.properties.items()}
        if part.keys:
            written["required"] = list(part.keys)
        if part.additional is False:
            written["additionalProperties"] = False
        elif isinstance(part.additional, Node) and (additional := self.node(part.additional, level)):
            # Where it demands nothing it is left out: the library takes {} for false where keys are required.
            written["additionalProperties"] = additional
        return written | _given(minProperties=part.min_properties, maxProperties=part.max_properties)

    def _array(self, part: Array, level: int) -> Document:
        written: Document = {"type": "array"} if part.required else {}
        if part.items is not None:
            written["items"] = self.node(part.items, level)
        if part.unique:
            written["uniqueItems"] = True
        return written | _given(minItems=part.min_items, maxItems=part.max_items)


def _numeric(part: Numeric) -> Document:
    written: Document = {}
    if part.required:
        written["type"] = "integer" if part.integer else "number"
    # Draft 4 has one bound at each end, and says beside it whether the bound itself is out.
    for end, bound, beyond, stricter in (
        ("Minimum", part.minimum, part.exclusive_minimum, max),
        ("Maximum", part.maximum, part.exclusive_maximum, min),
    ):
        given = [each for each in (bound, beyond) if each is not None]
        if given:
            strictest = stricter(given)
            written[end.lower()] = strictest
            if strictest == beyond:
                written[f"exclusive{end}"] = True
    return written | _given(multipleOf=part.multiple_of)


def _both(one: Callable[[str], bool], other: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: one(text) and other(text)


def _reference(name: str) -> Document:
    return {"$ref": f"#/definitions/{name}"}


def _given(**keywords: Any) -> Document:
    return {keyword: value for keyword, value in keywords.items() if value is not None}
