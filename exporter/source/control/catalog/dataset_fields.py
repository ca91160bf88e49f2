"""What a dataset says: the fields that clients write, what they mean, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.bodies import fault_by, said
from exporter.source.control.catalog.shapes import NEW_DATASET
from exporter.source.control.objects.making import Making, declared_resource, following
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.schema_registry.resolving import behaviour_of
from exporter.source.settings.declared import DatasetSettings
from exporter.source.xdm.schema import Behaviour

_FAULT: Final = fault_by(NEW_DATASET)
_PROFILE: Final = "unifiedProfile"
_VALIDATION: Final = "acp_validationContext"
#: By which clients know the table of a dataset.
_TABLE: Final = "adobe/pqs/table"
_FIRST_VERSION: Final = "1.0.0"
_CONTENT_TYPE: Final = "application/vnd.adobe.xed+json;version=1"
#: What only answers say.
_SHOWN_ONLY: Final = frozenset(
    {
        *("id", "@id", "created", "updated", "createdClient", "createdUser", "updatedUser", "imsOrg", "sandboxId"),
        *("sandboxName", "version", "classification"),
    }
)
_BEHAVIOURS: Final = {Behaviour.RECORD: "record", Behaviour.TIME_SERIES: "time-series"}


def settings_of(dataset: Resource) -> DatasetSettings:
    """The settings of a dataset that was made: what it is for is said by tags."""
    tags = dataset.fields["tags"]
    return DatasetSettings(
        id=dataset.id,
        name=dataset.fields["name"],
        schema=schema_id_of(dataset),
        profile=_says(tags, _PROFILE, "enabled"),
        upsert=_says(tags, _PROFILE, "isUpsert"),
        validate=not any(each.strip().lower() == "disabled" for each in tags.get(_VALIDATION, ())),
    )


def schema_id_of(dataset: Resource) -> str:
    """The id of a dataset's schema."""
    name: str = dataset.fields["schemaRef"]["id"]
    return name


def declared_resources(sections: Sequence[DatasetSettings], file: str, at: int) -> Iterator[Resource]:
    """What ``datasets`` of a ``file``, which was read ``at`` epoch milliseconds, declares."""
    for section in sections:
        said = [f"enabled:{str(section.profile).lower()}", *["isUpsert:true"] * section.upsert]
        tags = {_PROFILE: said, "unifiedIdentity": said[:1]} | ({} if section.validate else {_VALIDATION: ["disabled"]})
        fields = {
            "name": section.name or section.id,
            "schemaRef": {"id": section.schema, "contentType": _CONTENT_TYPE},
            "tags": {**tags, _TABLE: [_table(section.id)]},
            "version": _FIRST_VERSION,
        }
        yield declared_resource(Kind.DATASET, section.id, fields, file, at)


def fields_of(given: Mapping[str, Any], name: str, before: Resource | None = None) -> dict[str, Any] | Answer:
    """The fields that a body makes of the dataset with the id ``name``, which was there ``before`` or not; or 400."""
    fields = {key: value for key, value in said(given).items() if key not in _SHOWN_ONLY}
    if (fault := _FAULT(fields)) is not None:
        return failed(400, "1400-400", fault)
    version = _FIRST_VERSION if before is None else following(before.fields["version"])
    tags = {_TABLE: [_table(name)], **fields.get("tags", {})}
    return {**fields, "schemaRef": said(fields["schemaRef"]), "tags": tags, "version": version}


def shown(dataset: Resource, objects: Objects, making: Making) -> dict[str, Any]:
    """A dataset as clients read it, without its id."""
    schema = objects.get(Kind.SCHEMA, schema_id_of(dataset))
    behaviour = Behaviour.RECORD if schema is None else behaviour_of(schema.fields)
    return {
        "state": "DRAFT",
        **dataset.fields,
        "classification": {"managedBy": "CUSTOMER", "dataBehavior": _BEHAVIOURS[behaviour]},
        "created": dataset.created.at,
        "updated": dataset.updated.at,
        "createdClient": dataset.created.client,
        "createdUser": dataset.created.client,
        "updatedUser": dataset.updated.client,
        "imsOrg": making.org_id,
        "sandboxId": making.sandbox_id,
        "sandboxName": making.sandbox,
    }


def _says(tags: Mapping[str, Sequence[str]], tag: str, key: str) -> bool:
    """Whether a tag says ``key: true``; blanks count for nothing, and neither does the case of ``true``."""
    said = (each.partition(":") for each in tags.get(tag, ()))
    return any(name.strip() == key and value.strip().lower() == "true" for name, _, value in said)


def _table(name: str) -> str:
    return f"t_{name}"
