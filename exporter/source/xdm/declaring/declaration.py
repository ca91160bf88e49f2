"""A schema as it is declared, and the schema that a declaration comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.xdm.declaring.closing import closed
from exporter.source.xdm.declaring.fields import FieldDeclarations
from exporter.source.xdm.groups.catalogue import CLASSES, GROUPS, REQUIRED
from exporter.source.xdm.identity_paths import IdentityDescriptor
from exporter.source.xdm.schema import Behaviour, Schema, SchemaRefused, compile_schema


@dataclass(frozen=True, slots=True)
class Declaration:
    """A schema as configuration and registry know it.

    Attributes:
        id: its id.
        title: its name, for people.
        behaviour: what its records are.
        schema: a JSON Schema document, which stands alone; None where the other two say what there is.
        fields: types by path.
        groups: names of field groups, which may stand beside fields.
        identities: where identities stand.
    """

    id: str
    title: str = ""
    behaviour: Behaviour = Behaviour.RECORD
    schema: Any = None
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    identities: tuple[IdentityDescriptor, ...] = ()


def declared_schema(declaration: Declaration) -> Schema | SchemaRefused:
    """The schema of a declaration, or its mistakes, with places that begin at the declaration's keys. Never raises."""
    document = document_of(declaration)
    if isinstance(document, SchemaRefused):
        # What is wrong with the identities wherever they lead.
        anything = compile_schema({}, identities=declaration.identities)
        return SchemaRefused((*document.mistakes, *(anything.mistakes if isinstance(anything, SchemaRefused) else ())))
    compiled = compile_schema(
        document,
        id=declaration.id,
        title=declaration.title,
        behaviour=declaration.behaviour,
        identities=declaration.identities,
    )
    if isinstance(compiled, SchemaRefused):
        return SchemaRefused(tuple(Mistake(_in_declaration(one.at), one.reason) for one in compiled.mistakes))
    return compiled


def _in_declaration(at: Steps) -> Steps:
    return at if at[:1] == ("identities",) and len(at) == 3 and isinstance(at[1], int) else ("schema", *at)


def document_of(declaration: Declaration) -> Any | SchemaRefused:
    """The JSON Schema document of a declaration, its objects closed, or why there is none.

    Fields and groups have the fields of their class (``_id`` and the like) beside them. Records of a time series have
    ``_id`` and ``timestamp``. A JSON Schema of which that can't be said comes back for ``compile_schema`` to refuse.
    """
    if declaration.schema is not None:
        if declaration.fields or declaration.groups:
            return SchemaRefused((Mistake(("schema",), "stands alone: without fields and groups"),))
        return _with_required(closed(declaration.schema), declaration.behaviour)
    if not declaration.fields and not declaration.groups:
        return SchemaRefused((Mistake((), "needs one of schema, fields and groups"),))
    declared = FieldDeclarations()
    declared.add(CLASSES[declaration.behaviour].fields, ())
    unknown: list[Mistake] = []
    for index, name in enumerate(declaration.groups):
        if name in GROUPS:
            declared.add(GROUPS[name].fields, ("groups", index))
        else:
            unknown.append(Mistake(("groups", index), f"is no field group; there are {', '.join(GROUPS)}"))
    declared.add(declaration.fields, ("fields",))
    if mistakes := (*unknown, *declared.mistakes):
        return SchemaRefused(mistakes)
    return _with_required(declared.document(), declaration.behaviour)


def _with_required(document: Any, behaviour: Behaviour) -> Any:
    wanted = REQUIRED[behaviour]
    if not wanted or not isinstance(document, dict):
        return document
    required = document.get("required", [])
    if not isinstance(required, list):
        return document
    return {**document, "required": [*required, *(key for key in wanted if key not in required)]}
