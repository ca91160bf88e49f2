"""What is wrong with a value, in the words that senders are told; asked only where the compiled check has failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exporter.source.xdm.validation.json_values import comparable, cut, is_number, json_text, text_of, type_name
from exporter.source.xdm.validation.multiples import is_multiple
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
    Permitted,
    Reference,
    Text,
)
from exporter.source.xdm.validation.pointers import below
from exporter.source.xdm.validation.violation import Violation, together


def violation_of(nodes: Nodes, value: Any, most: int) -> Violation | None:
    """What is wrong with a JSON value, all of it in one; None where nothing is.

    The walk ends once ``most`` (at least 1) violations are found that are made of no others, so their number may be
    less than all, also where messages count.
    """
    return _Walk(nodes, most).node(nodes.root, value, "#")


class _Walk:
    """One walk through one value."""

    def __init__(self, nodes: Nodes, most: int) -> None:
        self._nodes = nodes
        self._left = most

    def node(self, node: Node, value: Any, pointer: str) -> Violation | None:
        """What is wrong with ``value`` by ``node``."""
        if len(node.parts) == 1:
            return self._part(node.parts[0], value, node.at, pointer)
        # Several parts are taken together as allOf takes several schemas, and have no places of their own.
        parts = [Node(None, (part,)) for part in node.parts]
        return self._combined(Combination.ALL, parts, value, node.at, pointer)

    def _part(self, part: Part, value: Any, at: str | None, pointer: str) -> Violation | None:
        match part:
            case Reference(to):
                return self.node(self._nodes.referenced[to], value, pointer)
            case Combined(how, inner):
                return self._combined(how, inner, value, at, pointer)
            case Object():
                found = self._object(part, value, at, pointer)
            case Array():
                found = self._array(part, value, at, pointer)
            case _:
                found = self._single(part, value, at, pointer)
        return together(list(found), at, pointer)

    def _single(self, part: Part, value: Any, at: str | None, pointer: str) -> Iterator[Violation]:
        """The violations of a part that has no other schemas in it, or only one that must not be."""
        for keyword, message in self._reasons(part, value):
            if self._left == 0:
                return
            self._left -= 1
            yield Violation(pointer, message, keyword, at)

    def _reasons(self, part: Part, value: Any) -> Iterator[tuple[str, str]]:
        match part:
            case Text():
                yield from _of_text(part, value)
            case Numeric():
                yield from _of_number(part, value)
            case Boolean():
                if not isinstance(value, bool):
                    yield _wrong_type("Boolean", value)
            case Null():
                if value is not None:
                    yield "type", f"expected: null, found: {type_name(value)}"
            case Permitted(values, constant):
                if comparable(value) not in [comparable(each) for each in values]:
                    yield ("const", "") if constant else ("enum", f"{text_of(value)} is not a valid enum value")
            case Not(inner, text):
                if self._right(inner, value):
                    yield "not", f"subject must not be valid against schema {cut(text)}"
            case Object():
                yield from _of_object(part, value)
            case Array():
                yield from _of_array(part, value)
            case Combined() | Reference():
                raise TypeError("has violations of its own shape")

    def _right(self, node: Node, value: Any) -> bool:
        return _Walk(self._nodes, 1).node(node, value, "#") is None

    def _object(self, part: Object, value: Any, at: str | None, pointer: str) -> Iterator[Violation]:
        yield from self._single(part, value, at, pointer)
        if not isinstance(value, dict):
            return
        for key, inner in part.properties.items():
            if self._left == 0:
                return
            if key in value and (found := self.node(inner, value[key], below(pointer, key))):
                yield found
        if isinstance(part.additional, Node):
            for key, each in value.items():
                if self._left == 0:
                    return
                if key not in part.properties and (found := self.node(part.additional, each, below(pointer, key))):
                    yield found

    def _array(self, part: Array, value: Any, at: str | None, pointer: str) -> Iterator[Violation]:
        yield from self._single(part, value, at, pointer)
        if not isinstance(value, list) or part.items is None:
            return
        for index, each in enumerate(value):
            if self._left == 0:
                return
            if found := self.node(part.items, each, below(pointer, index)):
                yield found

    def _combined(
        self, how: Combination, nodes: Sequence[Node], value: Any, at: str | None, pointer: str
    ) -> Violation | None:
        before = self._left
        # Each is walked once, also those whose violations are too many to be told: otherwise schemas in each other
        # would take twice as long with every level.
        causes: list[Violation] = []
        matching = 0
        for node in nodes:
            told = self._left > 0
            if not told:
                self._left = 1
            found = self.node(node, value, pointer)
            if found is None:
                matching += 1
            elif told:
                causes.append(found)
            if not told:
                self._left = 0
        match how:
            case Combination.ALL:
                fails = matching < len(nodes)
                message = f"#: only {matching} subschema matches out of {len(nodes)}"
            case Combination.ANY:
                fails = matching == 0
                message = f"#: no subschema matched out of the total {len(nodes)} subschemas"
            case Combination.ONE:
                fails = matching != 1
                message = f"#: {matching} subschemas matched instead of one"
        if not fails:
            self._left = before
            return None
        if not causes:
            self._left -= 1
        return Violation(pointer, message, how.value, at, tuple(causes))


def _wrong_type(expected: str, value: Any) -> tuple[str, str]:
    return "type", f"expected type: {expected}, found: {type_name(value)}"


def _of_text(part: Text, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        if part.required:
            yield _wrong_type("String", value)
        return
    if part.min_length is not None and len(value) < part.min_length:
        yield "minLength", f"expected minLength: {part.min_length}, actual: {len(value)}"
    if part.max_length is not None and len(value) > part.max_length:
        yield "maxLength", f"expected maxLength: {part.max_length}, actual: {len(value)}"
    if part.pattern is not None and not part.pattern.found(value):
        yield "pattern", f"string [{cut(value)}] does not match pattern {part.pattern.text}"
    if part.format is not None and not part.format.fits(value):
        yield "format", f"[{cut(value)}] {part.format.refusal}"


def _of_number(part: Numeric, value: Any) -> Iterator[tuple[str, str]]:
    if not is_number(value) or (part.integer and isinstance(value, float)):
        if part.required:
            yield _wrong_type("Integer" if part.integer else "Number", value)
        return
    shown = json_text(value)
    if part.minimum is not None and value < part.minimum:
        yield "minimum", f"{shown} is not greater or equal to {json_text(part.minimum)}"
    if part.maximum is not None and value > part.maximum:
        yield "maximum", f"{shown} is not less or equal to {json_text(part.maximum)}"
    if part.exclusive_minimum is not None and value <= part.exclusive_minimum:
        yield "exclusiveMinimum", f"{shown} is not greater than {json_text(part.exclusive_minimum)}"
    if part.exclusive_maximum is not None and value >= part.exclusive_maximum:
        yield "exclusiveMaximum", f"{shown} is not less than {json_text(part.exclusive_maximum)}"
    if part.multiple_of is not None and not is_multiple(value, part.multiple_of):
        yield "multipleOf", f"{shown} is not a multiple of {json_text(part.multiple_of)}"


def _of_object(part: Object, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        if part.required:
            yield _wrong_type("JSONObject", value)
        return
    for key in part.keys:
        if key not in value:
            yield "required", f"required key [{key}] not found"
    if part.additional is False:
        for key in value:
            if key not in part.properties:
                yield "additionalProperties", f"extraneous key [{cut(key)}] is not permitted"
    if part.min_properties is not None and len(value) < part.min_properties:
        yield "minProperties", f"minimum size: [{part.min_properties}], found: [{len(value)}]"
    if part.max_properties is not None and len(value) > part.max_properties:
        yield "maxProperties", f"maximum size: [{part.max_properties}], found: [{len(value)}]"


def _of_array(part: Array, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        if part.required:
            yield _wrong_type("JSONArray", value)
        return
    if part.min_items is not None and len(value) < part.min_items:
        yield "minItems", f"expected minimum item count: {part.min_items}, found: {len(value)}"
    if part.max_items is not None and len(value) > part.max_items:
        yield "maxItems", f"expected maximum item count: {part.max_items}, found: {len(value)}"
    if part.unique and len(set(map(comparable, value))) < len(value):
        yield "uniqueItems", "array items are not unique"
