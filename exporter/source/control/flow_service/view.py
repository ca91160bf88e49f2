"""Objects as they are shown: with the fields that all of them have, and with what others say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from exporter.source.control.objects.making import Making
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Resource


@dataclass(frozen=True, slots=True)
class View:
    """From where objects are looked at.

    Attributes:
        objects: all of them.
        making: whose they are.
        public_url: what the addresses of inlets begin with.
    """

    objects: Objects = field(repr=False)
    making: Making
    public_url: str
    sandbox_id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sandbox_id", self.making.sandbox_id)

    def inlet_url(self, inlet: str) -> str:
        """Where records of an inlet are posted to."""
        return f"{self.public_url.rstrip('/')}/collection/{inlet}"

    def common(self, resource: Resource) -> dict[str, Any]:
        """The fields that all objects have, and their own."""
        etag = quoted(resource.etag)
        return {
            "id": resource.id,
            "createdAt": resource.created.at,
            "updatedAt": resource.updated.at,
            "createdBy": resource.created.client,
            "updatedBy": resource.updated.client,
            "createdClient": resource.created.client,
            "updatedClient": resource.updated.client,
            "sandboxId": self.sandbox_id,
            "sandboxName": self.making.sandbox,
            "imsOrgId": self.making.org_id,
            **resource.fields,
            "version": etag,
            "etag": etag,
        }


#: Those of ``View.common`` that an object has not of itself.
COMMON = frozenset(
    {
        "id",
        "createdAt",
        "updatedAt",
        "createdBy",
        "updatedBy",
        "createdClient",
        "updatedClient",
        "sandboxId",
        "sandboxName",
        "imsOrgId",
        "version",
        "etag",
    }
)


def quoted(etag: str) -> str:
    """An etag as answers show it: its quotes are part of the value."""
    return f'"{etag}"'
