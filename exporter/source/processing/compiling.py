"""Compiles what a configuration declares into a catalogue, or finds every mistake."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.dataprep.mapper import CompiledMappingSet, compile_mapping_set
from exporter.source.dataprep.mapping_sets import read_mapping_set
from exporter.source.dataprep.run import Bounds
from exporter.source.processing.catalogue import Catalogue, Dataset, Flow
from exporter.source.processing.kept import Kept
from exporter.source.settings.declared import (
    DatasetSettings,
    FlowSettings,
    MappingSetSettings,
    SchemaSettings,
    SourceSettings,
)
from exporter.source.xdm.declaring.awaited import with_awaited
from exporter.source.xdm.declaring.declaration import Declaration, declared_schema
from exporter.source.xdm.identified import IdentityRules
from exporter.source.xdm.identity_paths import IdentityDescriptor
from exporter.source.xdm.schema import Behaviour, Schema, SchemaRefused

Named = TypeVar("Named")

#: What no two sources share.
UNIQUE: Final = ("name", "inlet", "connection_id", "source_connection_id")
#: The ids of a source's flows, by the flow's place in the source.
FlowIds = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Gone:
    """A flow that hangs on no inlet any more, with its id, and what it led to, as far as that is known."""

    flow: FlowSettings
    schemas: Sequence[SchemaSettings] = ()
    datasets: Sequence[DatasetSettings] = ()
    mappings: Sequence[MappingSetSettings] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """What says what records are: sections of a configuration, and objects in their form.

    ``gone`` are flows that hang on no inlet any more: records in the intake may name them. ``made`` are the ids of
    mapping sets made by API, which may map to field groups that the schema is yet to get: until then what comes of
    their records is refused by the schema.
    """

    schemas: Sequence[SchemaSettings] = ()
    datasets: Sequence[DatasetSettings] = ()
    mappings: Sequence[MappingSetSettings] = ()
    sources: Sequence[SourceSettings] = ()
    gone: Sequence[Gone] = ()
    made: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Compiling:
    declared: Declared
    bounds: Bounds
    kept: Kept
    mistakes: list[Mistake] = field(default_factory=list)
    schemas: dict[str, Schema | None] = field(default_factory=dict)
    datasets: dict[str, Dataset | None] = field(default_factory=dict)
    mappings: dict[str, tuple[str, CompiledMappingSet | None]] = field(default_factory=dict)

    def refuse(self, at: Steps, reason: str) -> None:
        self.mistakes.append(Mistake(at, reason))


def compiled(
    declared: Declared, flow_ids: FlowIds, identities: IdentityRules, bounds: Bounds, kept: Kept | None = None
) -> Catalogue | tuple[Mistake, ...]:
    """The catalogue, or all mistakes, with places that begin at the configuration's keys. May take a second.

    Args:
        declared: the sections.
        flow_ids: the id of every flow, by its source's name and its place among the source's flows.
        identities: the rules of identities.
        bounds: what the mapping of one record may take.
        kept: what was compiled before.
    """
    compiling = _Compiling(declared, bounds, kept or Kept())
    _compile_all(compiling)
    flows = dict(_flows(compiling, flow_ids))
    if compiling.mistakes:
        return tuple(compiling.mistakes)
    gone, left = _gone(compiling, flows)
    datasets = {name: dataset for name, dataset in compiling.datasets.items() if dataset is not None}
    schemas = {name: schema for name, schema in compiling.schemas.items() if schema is not None}
    return Catalogue({**gone, **flows}, {**left, **datasets}, identities, schemas)


def _compile_all(compiling: _Compiling) -> None:
    _compile_schemas(compiling)
    _compile_datasets(compiling)
    _compile_mappings(compiling)


def _compile_schemas(compiling: _Compiling) -> None:
    for index, section in enumerate(compiling.declared.schemas):
        if section.id in compiling.schemas:
            compiling.refuse(("schemas", index, "id"), "this id stands in the list already")
            continue
        schema = compiling.kept.of(("schema", section.id), (section,), partial(_compile_schema, section))
        if isinstance(schema, SchemaRefused):
            for mistake in schema.mistakes:
                compiling.refuse(("schemas", index, *mistake.at), mistake.reason)
        compiling.schemas[section.id] = None if isinstance(schema, SchemaRefused) else schema


def _compile_schema(section: SchemaSettings) -> Schema | SchemaRefused:
    declaration = Declaration(
        id=section.id,
        title=section.title,
        behaviour=Behaviour(section.behaviour),
        schema=section.schema,
        fields=section.fields,
        groups=section.groups,
        identities=tuple(IdentityDescriptor(each.path, each.namespace, each.primary) for each in section.identities),
    )
    return declared_schema(declaration)


def _compile_datasets(compiling: _Compiling) -> None:
    for index, section in enumerate(compiling.declared.datasets):
        at = ("datasets", index)
        if section.id in compiling.datasets:
            compiling.refuse((*at, "id"), "this id stands in the list already")
            continue
        schema = _named(compiling, (*at, "schema"), "schema", section.schema, compiling.schemas)
        dataset = None
        if schema is not None:
            dataset = Dataset(section.id, schema, section.profile, section.upsert, section.validate)
        compiling.datasets[section.id] = dataset


def _compile_mappings(compiling: _Compiling) -> None:
    for index, section in enumerate(compiling.declared.mappings):
        at = ("mappings", index)
        if section.id in compiling.mappings:
            compiling.refuse((*at, "id"), "this id stands in the list already")
            continue
        schema = _named(compiling, (*at, "schema"), "schema", section.schema, compiling.schemas)
        parts = section, schema, compiling.bounds, section.id in compiling.declared.made
        mapping = compiling.kept.of(("mapping", section.id), parts, partial(_compile_mapping, *parts))
        if isinstance(mapping, tuple):
            for mistake in mapping:
                compiling.refuse((*at, *mistake.at), mistake.reason)
        good = None if schema is None or isinstance(mapping, tuple) else mapping
        compiling.mappings[section.id] = section.schema, good


def _compile_mapping(
    section: MappingSetSettings, schema: Schema | None, bounds: Bounds, made: bool
) -> CompiledMappingSet | tuple[Mistake, ...]:
    """The set, or its mistakes, with places within its section; ``made``: by API."""
    mappings = section.mappings if isinstance(section.mappings, dict) else list(section.mappings)
    read = read_mapping_set({"mappings": mappings, "allow_nulls": section.allow_nulls, "version": section.version})
    if isinstance(read, tuple):
        return read
    # Where the schema is refused, expressions are looked at all the same, and paths may lead anywhere.
    root = None if schema is None else schema.root
    if root is not None and made:
        root = with_awaited(root)
    found = compile_mapping_set(read, root, bounds)
    if not isinstance(found, tuple):
        return found
    named = isinstance(mappings, dict)
    places = ((each.mapping.destination if named else each.position, each.reason) for each in found)
    return tuple(Mistake(("mappings", place), reason) for place, reason in places)


def _flows(compiling: _Compiling, flow_ids: FlowIds) -> Iterator[tuple[str, Flow]]:
    flows: dict[str, FlowSettings] = {}
    seen: dict[str, set[str]] = {key: set() for key in UNIQUE}
    targets: set[str] = set()
    for index, source in enumerate(compiling.declared.sources):
        for key, values in seen.items():
            value = getattr(source, key)
            if value is not None and value in values:
                compiling.refuse(("sources", index, key), f"another source has this {key.replace('_', ' ')}")
            values.add(value)
        for dataset_id, target in source.target_connections.items():
            place = ("sources", index, "target_connections", dataset_id)
            _named(compiling, place, "dataset", dataset_id, compiling.datasets)
            if target in targets:
                compiling.refuse(place, "another target connection has this id")
            targets.add(target)
        for number, dataset_id in enumerate(source.datasets):
            _named(compiling, ("sources", index, "datasets", number), "dataset", dataset_id, compiling.datasets)
        for number, section in enumerate(source.flows):
            at = ("sources", index, "flows", number)
            dataset = _named(compiling, (*at, "dataset"), "dataset", section.dataset, compiling.datasets)
            mapping = None
            if section.mapping is not None:
                found = _named(compiling, (*at, "mapping"), "mapping set", section.mapping, compiling.mappings)
                if found is not None:
                    schema, mapping = found
                    if dataset is not None and schema != dataset.schema.id:
                        compiling.refuse((*at, "mapping"), "this mapping set maps to another schema than the dataset's")
            flow_id = flow_ids[source.name, number]
            known = flows.setdefault(flow_id, section)
            if known is not section and known != section:
                # A flow may hang on several inlets, and is one flow then.
                compiling.refuse((*at, "id"), "another flow with this id says something else")
            yield flow_id, Flow(flow_id, section.name, section.dataset, mapping)


def _gone(compiling: _Compiling, live: Container[str]) -> tuple[Mapping[str, Flow], Mapping[str, Dataset]]:
    """The flows that are gone, and the datasets that went with them.

    Each is compiled for itself: what cannot be compiled any more is no mistake, since nobody could put it right, and is
    left out, so that records which name it are bad.
    """
    flows: dict[str, Flow] = {}
    datasets: dict[str, Dataset] = {}
    for each in compiling.declared.gone:
        section = each.flow
        if section.id is None or section.id in live:
            continue
        declared = replace(
            compiling.declared,
            schemas=[one for one in each.schemas if one.id not in compiling.schemas],
            datasets=[one for one in each.datasets if one.id not in compiling.datasets],
            mappings=[one for one in each.mappings if one.id not in compiling.mappings],
        )
        known = dict(compiling.schemas), dict(compiling.datasets), dict(compiling.mappings)
        alone = _Compiling(declared, compiling.bounds, compiling.kept, [], *known)
        _compile_all(alone)
        mapping = None if section.mapping is None else alone.mappings.get(section.mapping, (None, None))[1]
        dataset = alone.datasets.get(section.dataset)
        if dataset is not None and (section.mapping is None or mapping is not None):
            flows[section.id] = Flow(section.id, section.name, section.dataset, mapping)
            datasets[section.dataset] = dataset
    return flows, datasets


def _named(compiling: _Compiling, at: Steps, what: str, name: str, known: Mapping[str, Named | None]) -> Named | None:
    """What ``name`` stands for; None where it has mistakes of its own, or is none, which is one."""
    if name not in known:
        compiling.refuse(at, f"there is no {what} with this id")
        return None
    return known[name]
