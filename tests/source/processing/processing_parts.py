"""A catalogue of one flow, and records for it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from exporter.sections.mistakes import Mistake
from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.dataprep.run import Bounds
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.compiling import Declared, compiled
from exporter.source.processing.examined import Chances
from exporter.source.processing.kept import Kept
from exporter.source.settings.declared import DatasetSettings, MappingSetSettings, SchemaSettings, SourceSettings
from exporter.source.xdm.identified import IdentityRules

INLET = "a" * 64
CHANCES = Chances(random.Random(1).randbytes, lambda: 0.0)
#: A configuration without mistakes; records have a key, a number, and a list.
DECLARED: dict[str, Any] = {
    "schemas": [
        {
            "id": "s",
            "groups": ["segmentation", "identity_map"],
            "fields": {"key": "string", "n": "integer", "tags": "string[]"},
            "identities": [{"path": "key", "namespace": "Key", "primary": True}],
        }
    ],
    "datasets": [
        {"id": "d", "schema": "s"},
        {"id": "upserts", "schema": "s", "upsert": True},
        {"id": "aside", "schema": "s", "profile": False},
    ],
    "mappings": [{"id": "m", "schema": "s", "mappings": {"key": "id", "n": "n", "tags": "upsert_array_append(tags)"}}],
    "sources": [
        {
            "name": "crm",
            "flows": [
                {"name": "raw", "dataset": "d", "mapping": "m"},
                {"name": "plain", "dataset": "d"},
                {"name": "upserts", "dataset": "upserts", "mapping": "m"},
            ],
        }
    ],
}


def declared(document: dict[str, Any]) -> Declared:
    return Declared(
        [SchemaSettings.model_validate(each) for each in document["schemas"]],
        [DatasetSettings.model_validate(each) for each in document["datasets"]],
        [MappingSetSettings.model_validate(each) for each in document["mappings"]],
        [SourceSettings.model_validate(each) for each in document["sources"]],
    )


def compiled_of(
    document: dict[str, Any], kept: Kept | None = None, made: frozenset[str] = frozenset()
) -> Catalogue | tuple[Mistake, ...]:
    """A flow's id is its name, where it has none."""
    sections = replace(declared(document), made=made)
    ids = {
        (source.name, number): flow.id or flow.name
        for source in sections.sources
        for number, flow in enumerate(source.flows)
    }
    return compiled(sections, ids, IdentityRules(), Bounds(100_000, 1.0), kept)


def catalogue(document: dict[str, Any] = DECLARED) -> Catalogue:
    found = compiled_of(document)
    assert isinstance(found, Catalogue)
    return found


def taken(body: object, *, flow: str = "raw", dataset: str = "d", form: Form = Form.RAW, at: int = 1) -> TakenRecord:
    return TakenRecord(f"{at}:0:0", at, INLET, flow, dataset, form, json.dumps(body).encode())
