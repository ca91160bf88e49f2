"""Data Prep's replies for mapping sets that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.data_prep import edits
from exporter.source.control.data_prep.documents import Document, Stamp
from exporter.source.control.data_prep.examining import Budget, Workshop, examine
from exporter.source.control.data_prep.pages import page
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.shown import shown_set
from exporter.source.control.data_prep.versions import found_set, latest, missing, version_of
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Edit, Register
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.control.request import Request

PATH: Final = "/mappingSets"
ONE_QUERY: Final[Mapping[str, str]] = {"version": "Which version; the latest if nothing is said."}
EXPANDED_QUERY: Final[Mapping[str, str]] = {**ONE_QUERY, "expandSchema": "true: with the target schema."}
CHANGE_QUERY: Final[Mapping[str, str]] = {
    "validate": "true: refuse what cannot be compiled or does not fit the schema."
}

_MOST_VERSION: Final = 1_000_000_000
#: As many mistakes as a refusal tells.
_MOST_TOLD: Final = 10

#: An edit that takes what a client sent, and when and by whom that was.
Sent: TypeAlias = Callable[[Objects, Any, Stamp], Change | Answer]


@dataclass(frozen=True, slots=True)
class MappingSets:
    """The replies. ``data_prep`` compiles, one set at a time."""

    register: Register
    data_prep: DataPrep

    async def list(self, request: Request) -> Answer:
        """A page of the sets, each in its latest version."""
        expand = request.flag("expandSchema")
        if isinstance(expand, Answer):
            return expand
        sets = self.register.objects.all(Kind.MAPPING_SET)
        return page(request, sets, lambda each: self._shown(each, latest(each), expand=expand), PATH)

    async def get(self, request: Request) -> Answer:
        """A set, in its latest version or the one that is asked for."""
        expand = request.flag("expandSchema")
        if isinstance(expand, Answer):
            return expand
        asked = self._asked(request)
        return asked if isinstance(asked, Answer) else found(self._shown(*asked, expand=expand))

    async def mappings(self, request: Request) -> Answer:
        """The mappings of a set."""
        asked = self._asked(request)
        if isinstance(asked, Answer):
            return asked
        mappings = asked[1]["mappings"]
        return found({"data": mappings, "_page": {"count": len(mappings), "limit": len(mappings)}, "_links": {}})

    async def mapping(self, request: Request) -> Answer:
        """One mapping of a set."""
        asked = self._asked(request)
        if isinstance(asked, Answer):
            return asked
        name = request.ids["mapping"]
        mapping = next((each for each in asked[1]["mappings"] if each["id"] == name), None)
        return missing("mappings", name) if mapping is None else found(mapping)

    async def create(self, request: Request) -> Answer:
        """Make a set."""
        return await self._sent(request, edits.create_set)

    async def replace(self, request: Request) -> Answer:
        """Put another set in a set's place, as its next version."""
        name = request.ids["id"]
        return await self._sent(request, lambda objects, *sent: edits.replace_set(objects, name, *sent))

    async def delete(self, request: Request) -> Answer:
        """Forget a set."""
        return await self.register.change(lambda objects: edits.delete_set(objects, request.ids["id"]))

    async def add_mapping(self, request: Request) -> Answer:
        """Make a version with one more mapping."""
        name = request.ids["id"]
        return await self._sent(request, lambda objects, *sent: edits.add_mapping(objects, name, *sent))

    async def replace_mapping(self, request: Request) -> Answer:
        """Make a version with another mapping in a mapping's place."""
        names = request.ids["id"], request.ids["mapping"]
        return await self._sent(request, lambda objects, *sent: edits.replace_mapping(objects, *names, *sent))

    async def delete_mapping(self, request: Request) -> Answer:
        """Make a version without a mapping."""
        names, stamp = (request.ids["id"], request.ids["mapping"]), self._stamp(request)
        return await self.register.change(lambda objects: edits.delete_mapping(objects, *names, stamp))

    def _stamp(self, request: Request) -> Stamp:
        workshop = self.data_prep.workshop
        return Stamp(Origin(workshop.now(), request.client), workshop.random(16))

    def _asked(self, request: Request) -> tuple[Resource, Document] | Answer:
        """The set that the path names, and the version that the query names."""
        resource = found_set(self.register.objects, request.ids["id"])
        if isinstance(resource, Answer):
            return resource
        number = request.number("version", latest(resource)["version"], 0, _MOST_VERSION)
        if isinstance(number, Answer):
            return number
        document = version_of(resource, number)
        return missing(f"version {number} of mappingSets", resource.id) if document is None else (resource, document)

    def _shown(self, resource: Resource, document: Document, *, expand: bool) -> Document:
        name = document.get("xdmSchema") if expand else None
        return shown_set(resource, document, None if name is None else self.data_prep.workshop.schema_of(name))

    async def _sent(self, request: Request, sent: Sent) -> Answer:
        """The answer to an edit with what a client sent, which has to compile first where the client says so."""
        body = request.json()
        validate = request.flag("validate")
        if isinstance(body, Answer):
            return body
        if isinstance(validate, Answer):
            return validate
        stamp = self._stamp(request)

        def edit(objects: Objects) -> Change | Answer:
            return sent(objects, body, stamp)

        if validate:
            refusal = await self._refusal(edit, stamp)
            if refusal is not None:
                return refusal
        return await self.register.change(edit)

    async def _refusal(self, edit: Edit, stamp: Stamp) -> Answer | None:
        """Why what an edit comes to does not compile; tried on the objects as they are now."""
        tried = edit(self.register.objects)
        if isinstance(tried, Answer):
            return tried
        [resource] = (each for each in tried.objects.all(Kind.MAPPING_SET) if each.etag == stamp.etag)
        return await self.data_prep.worked(lambda: judged(latest(resource), self.data_prep.workshop))


def judged(document: Document, workshop: Workshop) -> Answer | None:
    """400 where a mapping of a set does not compile, or does not fit the schema; None where all do."""
    examined = examine(document, workshop, workshop.bounds(), Budget(workshop))
    if isinstance(examined, Answer):
        return examined
    wrong = [
        f"mappings.{place}: {fault['exception']}" for place, faults in enumerate(examined.faults) for fault in faults
    ]
    more = [f"and {len(wrong) - _MOST_TOLD} more"] if len(wrong) > _MOST_TOLD else []
    return failed(400, "1419-400", "; ".join((*wrong[:_MOST_TOLD], *more))) if wrong else None
