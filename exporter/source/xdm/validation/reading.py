"""Reads a JSON Schema document into nodes, or says where it can't be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exporter.sections.mistakes import Mistake, Step, Steps
from exporter.source.xdm.validation import keywords
from exporter.source.xdm.validation.formats import CHECKED, UNCHECKED
from exporter.source.xdm.validation.json_values import json_text
from exporter.source.xdm.validation.nodes import (
    Array,
    Boolean,
    Combination,
    Combined,
    Node,
    Nodes,
    Not,
    Null,
    Numeric,
    Object,
    Part,
    Pattern,
    Permitted,
    Reference,
    Text,
)
from exporter.source.xdm.validation.patterns import compile_pattern
from exporter.source.xdm.validation.pointers import below, found_at, steps_of
from exporter.source.xdm.validation.recursion import endless

#: Steps to a schema in its document; records are refused beyond 64 levels.
_MOST_STEPS = 128

_KEYWORDS_OF_TYPES = (
    ("array", keywords.OF_ARRAYS),
    ("object", keywords.OF_OBJECTS),
    ("number", keywords.OF_NUMBERS),
    ("string", keywords.OF_STRINGS),
)

Document = Mapping[str, Any]


def read_document(document: Any) -> Nodes | tuple[Mistake, ...]:
    """The nodes of a document, or its mistakes, at least one. Never raises, whatever JSON ``document`` is."""
    reading = _Reading(document)
    root = reading.node(document, "#", ())
    reading.follow_references()
    if not reading.mistakes and (at := endless(reading.nodes)):
        reading.mistakes.append(Mistake(steps_of(at), "leads back to itself"))
    if reading.mistakes:
        return tuple(reading.mistakes)
    return Nodes(root, {at: reading.nodes[at] for at in reading.wanted})


class _Reading:
    """One document on its way into nodes."""

    def __init__(self, document: Any) -> None:
        self.mistakes: list[Mistake] = []
        #: By place.
        self.nodes: dict[str, Node] = {}
        #: The places of references by the places to which they lead.
        self.wanted: dict[str, Steps] = {}
        self._document = document

    def follow_references(self) -> None:
        """Reads what only references lead to; what they find may have references in turn."""
        done: set[str] = set()
        while missing := [at for at in self.wanted if at not in done]:
            for at in missing:
                done.add(at)
                if at not in self.nodes:
                    self._read_referenced(at)

    def _read_referenced(self, at: str) -> None:
        try:
            found = found_at(self._document, steps_of(at))
        except LookupError:
            self._refuse(self.wanted[at], f"leads to nothing: {at}")
            return
        self.node(found, at, steps_of(at))

    def node(self, document: Any, at: str, place: Steps) -> Node:
        """The node that stands in the document there; an empty one where there are mistakes."""
        if not isinstance(document, dict):
            self._refuse(place, "must be an object: a schema")
            return Node(at, ())
        if len(place) > _MOST_STEPS:
            self._refuse(place[:4], f"is deeper than {_MOST_STEPS} steps")
            return Node(at, ())
        sound = self._sound(document, place)
        read = Node(at, tuple(self._parts(sound, at, place)))
        self.nodes[at] = read
        for store in keywords.STORES:
            for name, stored in sound.get(store, {}).items():
                self.node(stored, below(below(at, store), name), (*place, store, name))
        return read

    def _sound(self, document: Document, place: Steps) -> Document:
        """The keywords that can be read; the others are refused."""
        sound: dict[str, Any] = {}
        for keyword, value in document.items():
            if refusal := self._refusal(keyword, value, at_root=not place):
                self._refuse((*place, str(keyword)), refusal)
            elif keyword in keywords.REFUSALS:
                sound[keyword] = value
        if "$ref" in sound and (silenced := [each for each in sound if each not in keywords.BESIDE_REFERENCES]):
            self._refuse((*place, "$ref"), f"would silence {silenced[0]} beside it")
        return sound

    def _refusal(self, keyword: Any, value: Any, *, at_root: bool) -> str | None:
        if not isinstance(keyword, str):
            return "is no string"
        if keyword in keywords.REFUSALS:
            return keywords.REFUSALS[keyword](value)
        if keyword == "$id":
            return None if at_root else "is allowed at the root only"
        return None if keywords.is_annotation(keyword) else "is not a known keyword of schemas"

    def _parts(self, document: Document, at: str, place: Steps) -> list[Part]:
        if "$ref" in document:
            return self._reference(document["$ref"], (*place, "$ref"))
        parts: list[Part] = []
        if "enum" in document:
            parts.append(Permitted(tuple(document["enum"])))
        parts += [
            self._combined(Combination(how), document, at, place) for how in keywords.COMBINATIONS if how in document
        ]
        if "not" in document:
            inner = self.node(document["not"], below(at, "not"), (*place, "not"))
            # What was refused may be too deep for a text, and needs none.
            parts.append(Not(inner, "" if self.mistakes else json_text(document["not"])))
        if "const" in document:
            parts.append(Permitted((document["const"],), constant=True))
        types = document.get("type", [])
        named = [types] if isinstance(types, str) else types
        typed = [self._typed(name, document, at, place) for name in named]
        if isinstance(types, str):
            parts += typed
        elif typed:
            parts.append(Combined(Combination.ANY, tuple(Node(None, (part,)) for part in typed)))
        # Keywords of types that are not named let other types pass.
        for name, words in _KEYWORDS_OF_TYPES:
            is_named = name in named or (name == "number" and "integer" in named)
            if not is_named and any(word in document for word in words):
                parts.append(self._typed(name, document, at, place, required=False))
        return parts

    def _typed(self, name: str, document: Document, at: str, place: Steps, *, required: bool = True) -> Part:
        match name:
            case "string":
                return self._string(document, place, required)
            case "integer" | "number":
                return Numeric(required, name == "integer", *map(document.get, keywords.OF_NUMBERS))
            case "boolean":
                return Boolean()
            case "null":
                return Null()
            case "object":
                return self._object(document, at, place, required)
            case _:
                return self._array(document, at, place, required)

    def _reference(self, to: str, place: Steps) -> list[Part]:
        if to != "#" and not to.startswith("#/"):
            self._refuse(place, "leaves the document")
            return []
        pointer = "#"
        for step in steps_of(to):
            pointer = below(pointer, step)
        self.wanted.setdefault(pointer, place)
        return [Reference(pointer)]

    def _combined(self, how: Combination, document: Document, at: str, place: Steps) -> Combined:
        here, there = (*place, how.value), below(at, how.value)
        inner = document[how.value]
        return Combined(how, tuple(self.node(each, below(there, n), (*here, n)) for n, each in enumerate(inner)))

    def _string(self, document: Document, place: Steps, required: bool) -> Text:
        name = document.get("format")
        if name is not None and name not in CHECKED and name not in UNCHECKED:
            self._refuse((*place, "format"), f"is no known format; checked are {', '.join(sorted(CHECKED))}")
        return Text(
            required,
            document.get("minLength"),
            document.get("maxLength"),
            self._pattern(document["pattern"], (*place, "pattern")) if "pattern" in document else None,
            CHECKED.get(name) if name is not None else None,
            name,
        )

    def _pattern(self, text: str, place: Steps) -> Pattern | None:
        pattern = compile_pattern(text)
        if isinstance(pattern, str):
            self._refuse(place, pattern)
            return None
        return pattern

    def _object(self, document: Document, at: str, place: Steps, required: bool) -> Object:
        here = below(at, "properties")
        properties = {
            key: self.node(inner, below(here, key), (*place, "properties", key))
            for key, inner in document.get("properties", {}).items()
        }
        additional = document.get("additionalProperties")
        if additional is True:
            additional = None
        elif additional is not None and additional is not False:
            step: Step = "additionalProperties"
            additional = self.node(additional, below(at, step), (*place, step))
        keys = tuple(document.get("required", ()))
        if additional is False and (never := [key for key in keys if key not in properties]):
            self._refuse((*place, "required"), f"names {never[0]}, which is not among the properties")
        return Object(
            required, properties, keys, additional, document.get("minProperties"), document.get("maxProperties")
        )

    def _array(self, document: Document, at: str, place: Steps, required: bool) -> Array:
        items = document.get("items")
        return Array(
            required,
            None if items is None else self.node(items, below(at, "items"), (*place, "items")),
            document.get("minItems"),
            document.get("maxItems"),
            document.get("uniqueItems", False),
        )

    def _refuse(self, place: Steps, reason: str) -> None:
        self.mistakes.append(Mistake(place, reason))
