"""What a flow keeps when it is deleted: records in the intake may name it, and go by what it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from exporter.source.control.catalog import dataset_fields
from exporter.source.control.flow_service.references import dataset_of, mapping_of, version_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.objects.sweeping import PASSED
from exporter.source.control.schema_registry import settings as schema_registry
from exporter.source.settings.declared import SchemaSettings

#: The fields of what is kept: the version of a mapping set, and settings that were made by API.
KEPT_MAPPING: Final = "mappingSet"
KEPT_DATASETS: Final = "keptDatasets"
KEPT_SCHEMAS: Final = "keptSchemas"


def left(flow: Resource, objects: Objects) -> Mapping[str, Any]:
    """The fields of a flow that is being deleted, whatever becomes of what it leads to."""
    mapping, name = mapping_of(flow.fields), dataset_of(objects, flow.fields)
    dataset = None if name is None else objects.get(Kind.DATASET, name)
    kept: dict[str, Any] = {
        "dataSetId": name,
        KEPT_MAPPING: None if mapping is None else version_of(objects, mapping),
        KEPT_DATASETS: [],
        KEPT_SCHEMAS: [],
        PASSED: [],
    }
    if dataset is not None and dataset.declared is None:
        settings = dataset_fields.settings_of(dataset)
        kept[KEPT_DATASETS] = [settings.model_dump(mode="json")]
        schema = objects.get(Kind.SCHEMA, settings.schema)
        if schema is not None and schema.declared is None:
            of_schema = schema_registry.settings_of(schema, objects)
            if isinstance(of_schema, SchemaSettings):
                kept[KEPT_SCHEMAS] = [of_schema.model_dump(mode="json")]
    return {**flow.fields, **kept}
