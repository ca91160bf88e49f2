"""Puts what the configuration declares and the objects that were made by API together, in the configuration's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from exporter.sections.mistakes import Mistake
from exporter.sections.section import Section
from exporter.source.control import namespaces
from exporter.source.control.catalog import dataset_fields
from exporter.source.control.flow_service.keeping import KEPT_DATASETS, KEPT_MAPPING, KEPT_SCHEMAS
from exporter.source.control.flow_service.references import mapping_of, schema_of_mapping, settings_id, version_of
from exporter.source.control.flow_service.sources import sources_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.schema_registry import settings as schema_registry
from exporter.source.processing.compiling import Declared, Gone
from exporter.source.processing.kept import Kept
from exporter.source.processing.planes import Ids
from exporter.source.settings.declared import DatasetSettings, FlowSettings, MappingSetSettings, SchemaSettings

#: As many of a secret's are shown.
_SECRET_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class Assembled:
    """All of it.

    Attributes:
        declared: what says what records are.
        ids: of all sources and flows.
        disabled: the names of sources whose inlets take nothing.
        namespaces: the codes of those that there are, built in and made.
    """

    declared: Declared
    ids: Ids
    disabled: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()

    def named(self, mistake: Mistake) -> Mistake:
        """A mistake of ``declared``, at an object's id or name in place of its number in a section.

        Where one of its fields is wrong by itself, with what that says; of a secret, with its first digits.
        """
        if len(mistake.at) < 2 or not isinstance(number := mistake.at[1], int):
            return mistake
        (kind, _, *rest), section = mistake.at, getattr(self.declared, str(mistake.at[0]))[number]
        name = section.name if kind == "sources" else section.id
        if kind == "sources" and rest[:1] == ["flows"] and len(rest) > 1:
            kind, section, rest = "flows", section.flows[rest[1]], rest[2:]
            name = section.id or section.name
        said = _said(section, str(rest[0])) if len(rest) == 1 else ()
        return Mistake((kind, name, *rest, *said), mistake.reason)


def _said(section: Section, key: str) -> tuple[str, ...]:
    """The text of a key, which is a secret where no repr has it."""
    value, field = getattr(section, key, None), type(section).model_fields.get(key)
    if not isinstance(value, str):
        return ()
    return (value if field is None or field.repr else f"{value[:_SECRET_CHARACTERS]}…",)


def assembled(
    declared: Declared, ids: Ids, objects: Objects, kept: Kept | None = None
) -> Assembled | Sequence[Mistake]:
    """What the configuration and the objects come to together, or what is wrong with the objects.

    Args:
        declared: what the configuration declares.
        ids: of its sources and flows.
        objects: all of them.
        kept: what was made before.
    """
    known = Kept() if kept is None else kept
    schemas: list[SchemaSettings] = []
    mistakes: list[Mistake] = []
    for schema in objects.all(Kind.SCHEMA):
        if schema.declared is None:
            parts = schema, *schema_registry.descriptors_of(schema.id, objects), *objects.all(Kind.NAMESPACE)
            made = partial(schema_registry.settings_of, schema, objects)
            found = known.of(("schema settings", schema.id), parts, made)
            if isinstance(found, SchemaSettings):
                schemas.append(found)
            else:
                mistakes += [Mistake(("schemas", schema.id, *each.at), each.reason) for each in found]
    mistakes += _without_version(objects)
    if mistakes:
        return mistakes
    datasets = [dataset_fields.settings_of(each) for each in objects.all(Kind.DATASET) if each.declared is None]
    sources = sources_of(objects, declared.sources, ids, known)
    mappings = {each.id: each for flow in objects.all(Kind.FLOW) for each in _mapping(flow, objects, known)}
    gone = tuple(_gone(objects, sources.deleted, known))
    whole = Declared(
        (*declared.schemas, *schemas),
        (*declared.datasets, *datasets),
        (*declared.mappings, *mappings.values()),
        sources.sources,
        gone,
        frozenset((*mappings, *(each.id for one in gone for each in one.mappings))),
    )
    return Assembled(whole, sources.ids, sources.disabled, namespaces.codes_of(objects))


def _without_version(objects: Objects) -> Iterator[Mistake]:
    """Flows that name another version of a declared set than the one that is declared: none is moved unasked."""
    for flow in objects.all(Kind.FLOW):
        mapping = mapping_of(flow.fields) if flow.declared is None else None
        found = None if mapping is None else objects.get(Kind.MAPPING_SET, mapping.id)
        if mapping is None or found is None or found.declared is None or version_of(objects, mapping) is not None:
            continue
        [declared] = found.fields["versions"]
        reason = (
            f"names version {mapping.version} of mapping set {mapping.id}, which is declared with version "
            f"{declared['version']} now: declare the new one beside it, under another id, and have the flow name that"
        )
        yield Mistake(("flows", flow.id), reason)


def _mapping(flow: Resource, objects: Objects, kept: Kept) -> Iterator[MappingSetSettings]:
    """The version of a mapping set that a flow names, if the set was made; what no flow names yet need not compile.

    A flow that was deleted has kept its version, since the set may be gone by now.
    """
    mapping = mapping_of(flow.fields) if flow.declared is None else None
    if mapping is None or (name := settings_id(objects, mapping)) == mapping.id:
        return
    gone = flow if flow.kind is Kind.DELETED_FLOW else None

    def made() -> MappingSetSettings | None:
        version = _kept(flow).get(KEPT_MAPPING) or version_of(objects, mapping)
        schema = None if version is None else schema_of_mapping(version)
        if version is None or schema is None:
            return None
        nulls, mappings = bool(version.get("allowNullValues")), tuple(version["mappings"])
        return MappingSetSettings(id=name, version=mapping.version, schema=schema, allow_nulls=nulls, mappings=mappings)

    parts = gone, objects.get(Kind.MAPPING_SET, mapping.id)
    settings = kept.of(("mapping set", name, "" if gone is None else gone.id), parts, made)
    if settings is not None:
        yield settings


def _gone(objects: Objects, flows: Mapping[str, FlowSettings], known: Kept) -> Iterator[Gone]:
    """The flows that hang on no inlet, with what the deleted ones have kept."""
    for name, settings in flows.items():
        flow = objects.get(Kind.DELETED_FLOW, name) or objects.get(Kind.FLOW, name)
        if flow is not None:
            kept = _kept(flow)
            yield Gone(
                settings,
                [SchemaSettings.model_validate(each) for each in kept.get(KEPT_SCHEMAS, ())],
                [DatasetSettings.model_validate(each) for each in kept.get(KEPT_DATASETS, ())],
                list(_mapping(flow, objects, known)),
            )


def _kept(flow: Resource) -> Mapping[str, Any]:
    """What a deleted flow has kept; a flow that is there may have fields of the same names, which clients made up."""
    return flow.fields if flow.kind is Kind.DELETED_FLOW else {}
