"""Descriptors by API: where identities of a schema stand. Other kinds of descriptors are kept, and have no effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.namespaces import code_of, codes_of
from exporter.source.control.objects.making import Making, unchangeable
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.request import Request
from exporter.source.control.schema_registry.accept import wishes_of
from exporter.source.control.schema_registry.documents import refused
from exporter.source.control.schema_registry.listing import filtered, listed
from exporter.source.control.schema_registry.settings import IDENTITY, identities_of
from exporter.source.control.schema_registry.shapes import DESCRIPTOR
from exporter.source.control.schema_registry.showing import SHOWN_ONLY, shown_descriptor
from exporter.source.control.schema_registry.users import datasets_of, held

#: ``v2`` in pages; ``link`` paths in the place of objects, ``id`` ids.
_WORDS: Final = frozenset({"v2", "link", "id"})
_PATH: Final = "/tenant/descriptors/"
_LONGEST: Final = 1000
#: No page of the one client that reads pages is followed by another: it would read the first again, for ever.
_ALL: Final = 10**9
#: What says which place a namespace is named by, and what the number of one is called.
_BY: Final = "xdm:property"
_NUMBER: Final = "xdm:id"


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The path of descriptors.

    Attributes:
        register: the objects.
        making: marks new ones.
        closed: whether records with a namespace that is not there are bad.
    """

    register: Register
    making: Making
    closed: Callable[[], bool]

    async def all(self, request: Request) -> Answer:
        """The descriptors that a request asks for, by their kinds, or a page of them."""
        wishes = wishes_of(request.head.headers.get("accept", ""), _WORDS)
        if isinstance(wishes, Answer):
            return wishes
        descriptors = self.register.objects.all(Kind.DESCRIPTOR)
        if "v2" in wishes:
            return listed(request, descriptors, shown_descriptor, _form(wishes), DESCRIPTOR, _ALL)
        passed = filtered(request, descriptors, shown_descriptor)
        if isinstance(passed, Answer):
            return passed
        grouped: dict[str, list[Any]] = {}
        for each in passed:
            grouped.setdefault(each.fields["@type"], []).append(_form(wishes)(each))
        return found(grouped)

    async def get(self, request: Request) -> Answer:
        """One descriptor."""
        descriptor = _known(self.register.objects, request)
        return descriptor if isinstance(descriptor, Answer) else found(shown_descriptor(descriptor))

    async def post(self, request: Request) -> Answer:
        """Makes a descriptor."""
        fields = _fields_of(request.json_object())
        if isinstance(fields, Answer):
            return fields
        descriptor = self.making.made(Kind.DESCRIPTOR, self.making.random(20).hex(), fields, request)
        return await self.register.change(lambda objects: _changed(descriptor, objects, 201, self.closed()))

    async def put(self, request: Request) -> Answer:
        """Writes a descriptor anew."""
        fields = _fields_of(request.json_object())
        if isinstance(fields, Answer):
            return fields
        origin, etag = self.making.origin(request), self.making.etag()

        def edit(objects: Objects) -> Change | Answer:
            before = _own(objects, request)
            if isinstance(before, Answer):
                return before
            return _changed(before.changed(fields, origin, etag), objects, 200, self.closed())

        return await self.register.change(edit)

    async def delete(self, request: Request) -> Answer:
        """Deletes a descriptor, unless it says where identities of records of a dataset stand."""

        def edit(objects: Objects) -> Change | Answer:
            descriptor = _own(objects, request)
            if isinstance(descriptor, Answer):
                return descriptor
            if descriptor.fields["@type"] == IDENTITY:
                users = datasets_of(objects, descriptor.fields["xdm:sourceSchema"])
                if (refusal := held(users, "The descriptor's schema has datasets")) is not None:
                    return refusal
            return Change(objects.without(Kind.DESCRIPTOR, descriptor.id), Answer(204, b""), refused)

        return await self.register.change(edit)


def _form(wishes: frozenset[str]) -> Callable[[Resource], Any]:
    if "link" in wishes:
        return lambda each: _PATH + each.id
    return (lambda each: each.id) if "id" in wishes else shown_descriptor


def _known(objects: Objects, request: Request) -> Resource | Answer:
    name = request.ids["id"]
    descriptor = objects.get(Kind.DESCRIPTOR, name)
    return descriptor or failed(404, "1439-404", f"There is no descriptor with @id = [{name}]")


def _own(objects: Objects, request: Request) -> Resource | Answer:
    """The descriptor that a request may change."""
    descriptor = _known(objects, request)
    return descriptor if isinstance(descriptor, Answer) else unchangeable(descriptor) or descriptor


def _changed(descriptor: Resource, objects: Objects, status: int, closed: bool) -> Change | Answer:
    """The change that puts a descriptor, or its refusal."""
    fields = descriptor.fields
    schema = objects.get(Kind.SCHEMA, fields["xdm:sourceSchema"])
    if schema is None:
        return failed(400, "1400-400", f"There is no schema with id = [{fields['xdm:sourceSchema']}]")
    if refusal := unchangeable(schema):
        return refusal
    if fields["@type"] == IDENTITY:
        name = fields["xdm:namespace"]
        if fields.get(_BY) == _NUMBER:
            if code_of(objects, name) is None:
                return failed(400, "1400-400", f"There is no namespace with id = [{name}]")
        elif closed and name.lower() not in codes_of(objects):
            words = f"There is no namespace with code = [{name}], and identities.namespaces says that there has to be"
            return failed(400, "1400-400", words)
        others = (each for each in identities_of(schema.id, objects) if each.id != descriptor.id)
        if fields.get("xdm:isPrimary") and any(each.fields.get("xdm:isPrimary") for each in others):
            return failed(400, "1400-400", "The schema has a primary identity already")
    return Change(objects.put(descriptor), found(shown_descriptor(descriptor), status), refused)


def _fields_of(given: Mapping[str, Any] | Answer) -> Mapping[str, Any] | Answer:
    """The fields of a descriptor that a body is to make, or 400."""
    if isinstance(given, Answer):
        return given
    fields = {key: value for key, value in given.items() if key not in SHOWN_ONLY and key != "@id"}
    needed: Sequence[str] = ("@type", "xdm:sourceSchema")
    if fields.get("@type") == IDENTITY:
        needed = (*needed, "xdm:sourceProperty", "xdm:namespace")
        if isinstance(number := fields.get("xdm:namespace"), int) and fields.get(_BY) == _NUMBER:
            fields["xdm:namespace"] = str(number)
    for key in needed:
        value = fields.get(key)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST:
            return failed(400, "1400-400", f"{key} should be a text")
    return fields
