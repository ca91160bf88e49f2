"""The replies of the Flow Service: one set for all kinds of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.flow_service.description import Description
from exporter.source.control.flow_service.edits import (
    Marked,
    changed,
    created,
    deleted,
    new_fields,
    switched,
    unknown,
)
from exporter.source.control.flow_service.shapes import SHOWN
from exporter.source.control.flow_service.view import View
from exporter.source.control.listing import listed
from exporter.source.control.objects.making import Making
from exporter.source.control.objects.register import Register
from exporter.source.control.objects.resource import Resource
from exporter.source.control.on_demand import OnDemand
from exporter.source.control.request import Request

_INLET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies about one kind of object.

    Attributes:
        description: the kind.
        register: the objects in force.
        making: what new objects are marked with.
        public_url: what the addresses of inlets begin with now.
    """

    description: Description
    register: Register
    making: Making
    public_url: Callable[[], str]

    async def create(self, request: Request) -> Answer:
        """Makes one."""
        body = request.json_object()
        if isinstance(body, Answer):
            return body
        fields = new_fields(self.description, body, self.making.random(_INLET_BYTES).hex())
        if isinstance(fields, Answer):
            return fields
        name = str(UUID(bytes=self.making.random(16), version=4))
        resource = self.making.made(self.description.kind, name, fields, request)
        return await self.register.change(partial(created, self.description, resource))

    async def get(self, request: Request) -> Answer:
        """Shows one, in a list of its own."""
        resource = self._named(request)
        return resource if isinstance(resource, Answer) else found({"items": [self._shown([resource])[0]]})

    async def list(self, request: Request) -> Answer:
        """Shows those that a request asks for, a page at a time."""
        kind = self.description.kind
        return listed(request, self._shown(self.register.objects.all(kind)), f"/{kind}", SHOWN[kind])

    async def patch(self, request: Request) -> Answer:
        """Changes one."""
        edit = partial(changed, self.description, request, self._marks(request))
        return await self.register.change(edit)

    async def switch(self, request: Request) -> Answer:
        """Enables or disables one."""
        return await self.register.change(partial(switched, self.description, request, self._marks(request)))

    async def delete(self, request: Request) -> Answer:
        """Deletes one."""
        return await self.register.change(partial(deleted, self.description, request, self._marks(request)))

    async def test(self, request: Request) -> Answer:
        """Whether one takes records."""
        resource = self._named(request)
        if isinstance(resource, Answer):
            return resource
        return found({"result": resource.fields["state"] == "enabled"})

    def _named(self, request: Request) -> Resource | Answer:
        name = request.ids["id"]
        return self.register.objects.get(self.description.kind, name) or unknown(self.description.kind, name)

    def _shown(self, resources: Sequence[Resource]) -> Sequence[dict[str, Any]]:
        view = View(self.register.objects, self.making, self.public_url())
        return OnDemand(resources, lambda each: self.description.shown(each, view))

    def _marks(self, request: Request) -> Marked:
        """Marks one object; what is drawn for that is drawn now."""
        origin, etag = self.making.origin(request), self.making.etag()

        def marked(resource: Resource, fields: Mapping[str, Any]) -> Resource:
            return resource.changed(fields, origin, etag)

        return marked
