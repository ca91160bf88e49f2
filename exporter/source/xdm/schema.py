"""A schema, compiled: what is right by it, what is wrong, what its fields are, and where its identities stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from exporter.profile.paths import Path
from exporter.sections.mistakes import Mistake
from exporter.source.xdm.field_tree import field_of
from exporter.source.xdm.fields import Field
from exporter.source.xdm.identity_paths import IdentityDescriptor, misplaced, steps_to
from exporter.source.xdm.validation.fast_check import compile_check
from exporter.source.xdm.validation.nodes import Nodes
from exporter.source.xdm.validation.reading import read_document
from exporter.source.xdm.validation.violation import Violation
from exporter.source.xdm.validation.walker import violation_of

#: How many violations of a record are looked for.
MOST_VIOLATIONS = 5


class Behaviour(Enum):
    """What records of a schema are: the state of a person, or what happened at a time."""

    RECORD = "record"
    TIME_SERIES = "time_series"


@dataclass(frozen=True, slots=True)
class IdentityField:
    """An identity descriptor, compiled. ``namespace`` is in lower case."""

    path: Path
    namespace: str
    primary: bool


@dataclass(frozen=True, slots=True)
class SchemaRefused:
    """A schema that can't be kept. Places begin at its declaration (``("schema", "properties", …)``) or document."""

    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema.

    Attributes:
        id: its id, as datasets and messages name it.
        title: its name, for people.
        behaviour: what its records are.
        document: the JSON Schema that it was compiled from.
        root: its fields.
        identities: where identities stand, in the order of the declaration; at most one is primary.
        passes: tells whether an entity (the parsed JSON of a record's attributes) is right; never raises.
    """

    id: str
    title: str
    behaviour: Behaviour
    document: dict[str, Any]
    root: Field
    identities: tuple[IdentityField, ...]
    passes: Callable[[Any], bool]
    nodes: Nodes

    def violations(self, entity: Any, most: int = MOST_VIOLATIONS) -> tuple[Violation, ...]:
        """What is wrong with an entity: nothing, or one violation, which holds several together.

        No more than ``most`` (at least 1) that are made of no others are looked for, and counted in messages.
        """
        if self.passes(entity):
            return ()
        found = violation_of(self.nodes, entity, most)
        return () if found is None else (found,)


def compile_schema(
    document: Any,
    *,
    id: str = "",  # noqa: A002  # the word of schemas, here and in their declarations
    title: str = "",
    behaviour: Behaviour = Behaviour.RECORD,
    identities: Sequence[IdentityDescriptor] = (),
) -> Schema | SchemaRefused:
    """A schema of a JSON Schema ``document``, which means what it says: objects are open where it does not close them.

    Refused are keywords that are not known, ``$ref`` out of the document, patterns that RE2 does not read, and
    descriptors whose path leads to no field; all at once. Never raises, whatever was read from JSON or YAML.
    """
    nodes = read_document(document)
    if not isinstance(nodes, Nodes):
        return SchemaRefused(nodes)
    root = field_of(nodes)
    mistakes, fields = _identities(root, identities)
    if mistakes:
        return SchemaRefused(tuple(mistakes))
    return Schema(id, title, behaviour, document, root, tuple(fields), compile_check(nodes), nodes)


def _identities(root: Field, given: Sequence[IdentityDescriptor]) -> tuple[list[Mistake], list[IdentityField]]:
    mistakes: list[Mistake] = []
    fields: list[IdentityField] = []
    for index, descriptor in enumerate(given):
        path, namespace = steps_to(descriptor.path), descriptor.namespace.strip().lower()
        if reason := misplaced(root, path):
            mistakes.append(Mistake(("identities", index, "path"), reason))
        if not namespace:
            mistakes.append(Mistake(("identities", index, "namespace"), "is empty"))
        if descriptor.primary and any(field.primary for field in fields):
            mistakes.append(Mistake(("identities", index, "primary"), "is the second primary identity of the schema"))
        fields.append(IdentityField(path, namespace, descriptor.primary))
    return mistakes, fields
