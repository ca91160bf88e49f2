"""What the registry holds, counted, and what of it is new; clients learn the tenant's name from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.objects.making import Making
from exporter.source.control.objects.register import Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.request import Request
from exporter.source.control.schema_registry.resolving import behaviour_of
from exporter.source.control.schema_registry.showing import alternative_id
from exporter.source.xdm.groups.catalogue import CLASSES

#: So many of the newest are told.
_RECENT: Final = 10


@dataclass(frozen=True, slots=True)
class Stats:
    """The path of the counts."""

    register: Register
    making: Making

    async def get(self, _: Request) -> Answer:
        """The counts."""
        schemas = self.register.objects.all(Kind.SCHEMA)
        usage: dict[str, list[dict[str, Any]]] = {group.uri: [] for group in CLASSES.values()}
        for each in schemas:
            usage[CLASSES[behaviour_of(each.fields)].uri].append(_told(each))
        return found(
            {
                "imsOrg": self.making.org_id,
                "tenantId": self.making.tenant,
                "counts": {"schemas": len(schemas), "mixins": 0, "datatypes": 0, "classes": 0, "unions": 0},
                "recentlyCreatedResources": _newest(schemas, lambda each: each.created.at),
                "recentlyUpdatedResources": _newest(schemas, lambda each: each.updated.at),
                "classUsage": usage,
            }
        )


def _newest(schemas: Sequence[Resource], at: Callable[[Resource], int]) -> list[dict[str, Any]]:
    return [_told(each) for each in sorted(schemas, key=at, reverse=True)[:_RECENT]]


def _told(schema: Resource) -> dict[str, Any]:
    return {
        "title": schema.fields["title"],
        "description": schema.fields.get("description", ""),
        "$id": schema.id,
        "meta:altId": alternative_id(schema.id),
        "meta:resourceType": "schemas",
        "meta:created": schema.created.at,
        "meta:updated": schema.updated.at,
        "version": schema.fields.get("version", "1.0"),
    }
