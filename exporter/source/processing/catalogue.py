"""What records are processed by: flows, datasets, schemas and mapping sets, compiled. Never changed: replaced whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.source.dataprep.mapper import CompiledMappingSet
from exporter.source.xdm.identified import IdentityRules
from exporter.source.xdm.schema import Schema


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where records belong.

    Attributes:
        id: its id.
        schema: what its records may hold.
        profile: whether they reach profiles.
        upsert: whether they merge unless they say otherwise.
        validated: whether they are held to the schema.
    """

    id: str
    schema: Schema
    profile: bool = True
    upsert: bool = False
    validated: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """The way of an inlet's records into a dataset; ``mapping``: None where they are XDM already."""

    id: str
    name: str
    dataset: str
    mapping: CompiledMappingSet | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, by id; and the rules of identities. Schemas are all that there are, those of no dataset included."""

    flows: Mapping[str, Flow] = field(default_factory=dict)
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    identities: IdentityRules = field(default_factory=IdentityRules)
    schemas: Mapping[str, Schema] = field(default_factory=dict)
