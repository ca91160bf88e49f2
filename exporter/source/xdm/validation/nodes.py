"""What a schema's document demands, as values: nodes at places of the document, and the parts of which they are made.

A keyword is a part's, and a node has as many parts as its keywords need: ``{"type": "string", "enum": ["a"]}`` has two.
That decides how violations nest: one part fails in its own words, several fail as "only 1 subschema matches out of 2".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Pattern:
    """``found`` tells whether a text has a match of ``text`` anywhere."""

    text: str
    found: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is checked: ``fits`` tells whether a text has it, ``refusal`` is said of a text that has not."""

    name: str
    fits: Callable[[str], bool]
    refusal: str


@dataclass(frozen=True, slots=True)
class Text:
    """Keywords of strings. Where not ``required``, other types pass."""

    required: bool
    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    format: Format | None = None
    #: The format's name, also of one that is not checked.
    format_name: str | None = None


@dataclass(frozen=True, slots=True)
class Numeric:
    """Keywords of numbers. Where not ``required``, other types pass; ``integer`` wants no fraction, written or not."""

    required: bool
    integer: bool = False
    minimum: Number | None = None
    maximum: Number | None = None
    exclusive_minimum: Number | None = None
    exclusive_maximum: Number | None = None
    multiple_of: Number | None = None


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Null:
    """Null alone."""


@dataclass(frozen=True, slots=True)
class Object:
    """Keywords of objects. ``additional``: None lets any other key pass, False none, a node says what its value is."""

    required: bool
    properties: Mapping[str, Node]
    keys: tuple[str, ...] = ()
    additional: Node | bool | None = None
    min_properties: int | None = None
    max_properties: int | None = None


@dataclass(frozen=True, slots=True)
class Array:
    """Keywords of arrays; ``items`` is what each element must be."""

    required: bool
    items: Node | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Permitted:
    """The only ``values`` that are right: those of ``enum`` or, where ``constant``, the one of ``const``."""

    values: tuple[Any, ...]
    constant: bool = False


class Combination(Enum):
    """How the nodes of a ``Combined`` are taken together."""

    ALL = "allOf"
    ANY = "anyOf"
    ONE = "oneOf"


@dataclass(frozen=True, slots=True)
class Combined:
    """``allOf``, ``anyOf``, ``oneOf``, and several types, which are ``anyOf`` of one each."""

    how: Combination
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be; ``text`` is its document, as JSON."""

    node: Node
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """``$ref`` to the node at this place of the same document (``#/definitions/name``)."""

    to: str


Part: TypeAlias = Text | Numeric | Boolean | Null | Object | Array | Permitted | Combined | Not | Reference


@dataclass(frozen=True, slots=True)
class Node:
    """A schema at a place of the document (``#/properties/person``); None where it has no place of its own."""

    at: str | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Nodes:
    """A whole document: its root, and every node that a ``Reference`` leads to, by place."""

    root: Node
    referenced: Mapping[str, Node]
