"""Fields of the shipped groups that a schema does not have yet: clients name them before the schema gets the group."""

from __future__ import annotations

from dataclasses import replace

from exporter.source.xdm.declaring.fields import FieldDeclarations
from exporter.source.xdm.field_tree import field_of
from exporter.source.xdm.fields import Field, Kind
from exporter.source.xdm.groups.catalogue import GROUPS
from exporter.source.xdm.validation.nodes import Nodes
from exporter.source.xdm.validation.reading import read_document


def is_awaited(step: str) -> bool:
    """Whether a first step of paths leads into a shipped group."""
    return any(path.partition(".")[0].partition("[")[0] == step for group in GROUPS.values() for path in group.fields)


def with_awaited(root: Field) -> Field:
    """The fields of a schema, and those of the shipped groups of which it has nothing at all."""
    if root.kind is not Kind.OBJECT:
        return root
    declared = FieldDeclarations()
    for group in GROUPS.values():
        declared.add(group.fields, ())
    nodes = read_document(declared.document())
    awaited = field_of(nodes).properties if isinstance(nodes, Nodes) else {}
    return replace(root, properties={**awaited, **root.properties})
