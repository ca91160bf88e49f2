"""Schemas by API: made, read in every form, changed and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.json_patch import operations_of, patched
from exporter.source.control.objects.making import Making, Rewriting, following, rewritten, unchangeable
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.request import Request
from exporter.source.control.schema_registry.accept import wishes_of
from exporter.source.control.schema_registry.documents import fields_in, fields_of, refused, tags_of
from exporter.source.control.schema_registry.listing import listed
from exporter.source.control.schema_registry.settings import descriptors_of, settings_of, waiting
from exporter.source.control.schema_registry.shapes import SCHEMA
from exporter.source.control.schema_registry.showing import LIST_WORDS, WORDS, alternative_id, shown_schema
from exporter.source.control.schema_registry.users import datasets_of, held, mapping_sets_to

#: As many fields as a schema may have: while more were compiled, records would wait for seconds.
MOST_FIELDS: Final = 5_000
_AS_KEPT: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Schemas:
    """The path of schemas."""

    register: Register
    making: Making

    async def all(self, request: Request) -> Answer:
        """The schemas that a request asks for, a page of them."""
        objects = self.register.objects
        wishes = wishes_of(request.head.headers.get("accept", ""), LIST_WORDS)
        if isinstance(wishes, Answer):
            return wishes
        return listed(
            request,
            objects.all(Kind.SCHEMA),
            lambda each: shown_schema(each, objects, self.making, _AS_KEPT),
            lambda each: shown_schema(each, objects, self.making, wishes),
            SCHEMA,
        )

    async def get(self, request: Request) -> Answer:
        """One schema."""
        objects = self.register.objects
        wishes = wishes_of(request.head.headers.get("accept", ""), WORDS)
        if isinstance(wishes, Answer):
            return wishes
        schema = schema_of(objects, request.ids["id"])
        return schema if isinstance(schema, Answer) else found(shown_schema(schema, objects, self.making, wishes))

    async def post(self, request: Request) -> Answer:
        """Makes a schema."""
        given = request.json_object()
        if isinstance(given, Answer):
            return given
        fields = fields_of(given, "1.0")
        if isinstance(fields, Answer):
            return fields
        uri = f"https://ns.adobe.com/{self.making.tenant}/schemas/{self.making.random(24).hex()}"
        schema = self.making.made(Kind.SCHEMA, uri, fields, request)
        return await self.register.change(lambda objects: self._changed(schema, objects, 201))

    async def put(self, request: Request) -> Answer:
        """Writes a schema anew."""
        given = request.json_object()
        if isinstance(given, Answer):
            return given
        return await self._rewrite(
            request, lambda before: fields_of(given, following(before.fields["version"]), tags_of(before.fields))
        )

    async def patch(self, request: Request) -> Answer:
        """Changes a schema by JSON Patch."""
        given = request.json()
        if isinstance(given, Answer):
            return given
        operations = operations_of(given)
        if isinstance(operations, str):
            return failed(400, "1434-400", operations)

        def rewrite(before: Resource) -> dict[str, Any] | Answer:
            fields = patched(before.fields, operations)
            if isinstance(fields, str):
                return failed(400, "1434-400", fields)
            return fields_of(fields, following(before.fields["version"]), tags_of(before.fields))

        return await self._rewrite(request, rewrite)

    async def delete(self, request: Request) -> Answer:
        """Deletes a schema that no dataset and no mapping set has, with its descriptors."""

        def edit(objects: Objects) -> Change | Answer:
            schema = _own(objects, request)
            if isinstance(schema, Answer):
                return schema
            refusal = held(datasets_of(objects, schema.id), "The schema has datasets")
            refusal = refusal or held(mapping_sets_to(objects, schema.id), "The schema has mapping sets")
            if refusal is not None:
                return refusal
            after = objects.without(Kind.SCHEMA, schema.id)
            for each in descriptors_of(schema.id, objects):
                after = after.without(Kind.DESCRIPTOR, each.id)
            return Change(after, Answer(204, b""), refused)

        return await self.register.change(edit)

    async def _rewrite(self, request: Request, rewrite: Rewriting) -> Answer:
        """Puts a schema with new fields in the place of the one that a request names."""
        origin, etag = self.making.origin(request), self.making.etag()

        def edit(objects: Objects) -> Change | Answer:
            changed = rewritten(_own(objects, request), rewrite, origin, etag)
            return changed if isinstance(changed, Answer) else self._changed(changed, objects, 200)

        return await self.register.change(edit)

    def _changed(self, schema: Resource, objects: Objects, status: int) -> Change | Answer:
        """The change that puts a schema, or its refusal."""
        after = objects.put(schema)
        settings = settings_of(schema, after)
        if isinstance(settings, tuple):
            return refused(settings)
        if (count := fields_in(settings.schema)) > MOST_FIELDS:
            words = f"The schema has {count} fields, with those of its field groups; {MOST_FIELDS} are the most"
            return failed(400, "1400-400", words)
        before = objects.get(Kind.SCHEMA, schema.id)
        if before is not None and (lost := waiting(schema, objects) - waiting(before, objects)):
            words = f"The schema would lose fields with identities: {', '.join(sorted(lost))}"
            return failed(400, "1400-400", words)
        return Change(after, found(shown_schema(schema, after, self.making, _AS_KEPT), status), refused)


def schema_of(objects: Objects, name: str) -> Resource | Answer:
    """The schema with an id or an alternative id; 404 where there is none."""
    schema = objects.get(Kind.SCHEMA, name)
    if schema is None:
        named = (each for each in objects.all(Kind.SCHEMA) if alternative_id(each.id) == name)
        schema = next(named, None)
    return schema or failed(404, "1439-404", f"There is no schema with id = [{name}]")


def _own(objects: Objects, request: Request) -> Resource | Answer:
    """The schema that a request may change."""
    schema = schema_of(objects, request.ids["id"])
    return schema if isinstance(schema, Answer) else unchangeable(schema) or schema
