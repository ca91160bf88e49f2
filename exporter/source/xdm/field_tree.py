"""The tree of types that a schema's document comes to: where paths lead, and what mappings coerce to."""

from __future__ import annotations

from exporter.source.xdm.fields import Field, Kind
from exporter.source.xdm.validation.nodes import (
    Array,
    Boolean,
    Combination,
    Combined,
    Node,
    Nodes,
    Null,
    Numeric,
    Object,
    Part,
    Permitted,
    Reference,
    Text,
)

_ANY = Field(Kind.ANY)
_OF_FORMATS = {"date": Kind.DATE, "date-time": Kind.DATE_TIME}


def field_of(nodes: Nodes) -> Field:
    """The root of the tree, an OBJECT for all but odd schemas.

    A field has a type where every value that is right has it; null beside a type counts for nothing. What may be of
    several types is ANY, and so is a field within itself (a tree has an end). Places that one reference leads to share
    their field.
    """
    return _Tree(nodes).field(nodes.root)


class _Tree:
    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        #: By the place that references lead to; ANY while the field is being made.
        self._referenced: dict[str, Field] = {}

    def field(self, node: Node) -> Field:
        """The field of ``node``."""
        found = _ANY
        for part in node.parts:
            found = _both(found, self._part(part))
        return found

    def _at(self, place: str) -> Field:
        if place not in self._referenced:
            self._referenced[place] = _ANY
            self._referenced[place] = self.field(self._nodes.referenced[place])
        return self._referenced[place]

    def _part(self, part: Part) -> Field:
        match part:
            case Reference(to):
                return self._at(to)
            case Combined(Combination.ALL, inner):
                return self.field(Node(None, tuple(each for node in inner for each in node.parts)))
            case Combined(Combination.ANY, inner):
                return self._only_type(inner)
            case Text(required=True):
                return Field(_OF_FORMATS.get(part.format_name or "", Kind.STRING))
            case Numeric(required=True):
                return Field(Kind.INTEGER if part.integer else Kind.NUMBER)
            case Boolean():
                return Field(Kind.BOOLEAN)
            case Array():
                return Field(Kind.ARRAY, element=None if part.items is None else self.field(part.items))
            case Object():
                return self._object(part)
            case Permitted(values) if all(isinstance(value, str) for value in values):
                return Field(Kind.STRING)
            case _:
                return _ANY

    def _only_type(self, nodes: tuple[Node, ...]) -> Field:
        typed = [node for node in nodes if node.parts != (Null(),)]
        return self.field(typed[0]) if len(typed) == 1 else _ANY

    def _object(self, part: Object) -> Field:
        element = self.field(part.additional) if isinstance(part.additional, Node) else None
        if part.properties or part.additional is False:
            properties = {key: self.field(inner) for key, inner in part.properties.items()}
            return Field(Kind.OBJECT, properties, element)
        return Field(Kind.MAP, element=element)


def _both(one: Field, other: Field) -> Field:
    """The field of what is right by two schemas."""
    if one.kind is Kind.ANY:
        return other
    if one.kind is Kind.MAP and other.kind is Kind.OBJECT:
        return other
    if one.kind is Kind.OBJECT and other.kind is Kind.OBJECT:
        shared = {key: _both(field, other.properties.get(key, _ANY)) for key, field in one.properties.items()}
        return Field(Kind.OBJECT, {**other.properties, **shared}, one.element or other.element)
    if one.kind is Kind.STRING and other.kind in (Kind.DATE, Kind.DATE_TIME):
        return other
    return one
