"""Datasets by API: made, read, changed and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.catalog.dataset_fields import fields_of, schema_id_of, shown
from exporter.source.control.catalog.shapes import DATASET, DATASETS, NEW_DATASET, REFERENCES
from exporter.source.control.json_patch import Operation, operations_of, patched
from exporter.source.control.objects.making import Making, Rewriting, rewritten, unchangeable
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.ordering import sort_key, unknown_field
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route
from exporter.source.control.schema_registry.listing import QUERY, filtered
from exporter.source.control.shapes import FREE, JSON_PATCH

PATH: Final = "/data/foundation/catalog/dataSets"
_LIMIT: Final = 20
_MOST: Final = 100
_START: Final = 10**9
#: Filters of the list that compare one field.
_EQUAL: Final = ("name", "state", "version", "created", "updated")
_DIRECTIONS: Final = ("asc", "desc")

_QUERY: Final[Mapping[str, str]] = {
    "limit": f"As many as a page has at most: 1 to {_MOST}, {_LIMIT} if nothing is said.",
    "start": "The first that is shown, counted from 1.",
    "orderBy": "asc: or desc: and fields, with commas between.",
    "property": QUERY["property"],
    "properties": "Only these fields, with commas between.",
    **dict.fromkeys(_EQUAL, "Only those with this value."),
}


@dataclass(frozen=True, slots=True)
class Datasets:
    """The path of datasets."""

    register: Register
    making: Making

    async def all(self, request: Request) -> Answer:
        """The datasets that a request asks for, by id."""
        limit, start = request.number("limit", _LIMIT, 1, _MOST), request.number("start", 0, 0, _START)
        if isinstance(limit, Answer):
            return limit
        if isinstance(start, Answer):
            return start
        objects = self.register.objects
        items = [(each.id, shown(each, objects, self.making)) for each in objects.all(Kind.DATASET)]
        passed = filtered(request, items, lambda each: each[1])
        if isinstance(passed, Answer):
            return passed
        items = list(passed)
        for name in _EQUAL:
            for value in request.all(name):
                items = [each for each in items if str(each[1].get(name)) == value]
        refusal = _sort(items, request.one("orderBy"))
        if refusal is not None:
            return refusal
        # Clients that count from 0 read one dataset twice, which does them no harm; the others would miss one.
        first = max(start - 1, 0)
        return found({name: _picked(each, request) for name, each in items[first : first + limit]})

    async def get(self, request: Request) -> Answer:
        """One dataset, by its id."""
        objects = self.register.objects
        dataset = _known(objects, request)
        if isinstance(dataset, Answer):
            return dataset
        return found({dataset.id: _picked(shown(dataset, objects, self.making), request)})

    async def post(self, request: Request) -> Answer:
        """Makes a dataset."""
        given = request.json_object()
        if isinstance(given, Answer):
            return given
        name = self.making.random(12).hex()
        fields = fields_of(given, name)
        if isinstance(fields, Answer):
            return fields
        dataset = self.making.made(Kind.DATASET, name, fields, request)
        return await self.register.change(lambda objects: _changed(dataset, objects, 201))

    async def put(self, request: Request) -> Answer:
        """Writes a dataset anew."""
        given = request.json_object()
        if isinstance(given, Answer):
            return given
        return await self._rewrite(request, lambda before: fields_of(given, before.id, before))

    async def patch(self, request: Request) -> Answer:
        """Changes a dataset, by JSON Patch or by the fields that are to be other ones."""
        given = request.json()
        if isinstance(given, Answer):
            return given
        if isinstance(given, dict):
            return await self._rewrite(
                request, lambda before: fields_of(_merged(before.fields, given), before.id, before)
            )
        operations = operations_of(given)
        if isinstance(operations, str):
            return failed(400, "1434-400", operations)

        # Clients replace tags that may not be there yet.
        meant = [replace(each, kind="add") if _is_tag(each) else each for each in operations]

        def rewrite(before: Resource) -> dict[str, Any] | Answer:
            fields = patched(before.fields, meant)
            return failed(400, "1434-400", fields) if isinstance(fields, str) else fields_of(fields, before.id, before)

        return await self._rewrite(request, rewrite)

    async def delete(self, request: Request) -> Answer:
        """Deletes a dataset that no target connection writes to."""

        def edit(objects: Objects) -> Change | Answer:
            dataset = _own(objects, request)
            if isinstance(dataset, Answer):
                return dataset
            users = [each.id for each in objects.all(Kind.TARGET_CONNECTION) if _target_of(each) == dataset.id]
            if users:
                return failed(400, "1400-400", f"The dataset has target connections: {', '.join(users)}")
            return Change(objects.without(Kind.DATASET, dataset.id), Answer(204, b""))

        return await self.register.change(edit)

    async def _rewrite(self, request: Request, rewrite: Rewriting) -> Answer:
        """Puts a dataset with new fields in the place of the one that a request names."""
        origin, etag = self.making.origin(request), self.making.etag()

        def edit(objects: Objects) -> Change | Answer:
            changed = rewritten(_own(objects, request), rewrite, origin, etag)
            return changed if isinstance(changed, Answer) else _changed(changed, objects, 200)

        return await self.register.change(edit)


def routes_of(register: Register, making: Making) -> Iterator[Route]:
    """The rows of the table."""
    datasets = Datasets(register, making)
    one = f"{PATH}/{{id}}"
    body = NEW_DATASET
    made, changed, shown_all = {201: REFERENCES}, {200: REFERENCES}, {200: DATASETS}
    yield Route("GET", PATH, "listDataSets", "List datasets, by id.", datasets.all, answers=shown_all, query=_QUERY)
    yield Route("POST", PATH, "createDataSet", "Make a dataset.", datasets.post, Reads.JSON, body, made)
    properties = {"properties": _QUERY["properties"]}
    yield Route("GET", one, "getDataSet", "Read a dataset.", datasets.get, answers=shown_all, query=properties)
    yield Route("PUT", one, "replaceDataSet", "Write a dataset anew.", datasets.put, Reads.JSON, body, changed)
    either = {"anyOf": [JSON_PATCH, FREE]}
    summary = "Change a dataset: some of its fields, or by JSON Patch."
    yield Route("PATCH", one, "changeDataSet", summary, datasets.patch, Reads.JSON, either, changed)
    summary = "Delete a dataset that no target connection writes to."
    yield Route("DELETE", one, "deleteDataSet", summary, datasets.delete, answers={204: None})


def _known(objects: Objects, request: Request) -> Resource | Answer:
    name = request.ids["id"]
    return objects.get(Kind.DATASET, name) or failed(404, "1439-404", f"There is no dataset with id = [{name}]")


def _own(objects: Objects, request: Request) -> Resource | Answer:
    """The dataset that a request may change."""
    dataset = _known(objects, request)
    return dataset if isinstance(dataset, Answer) else unchangeable(dataset) or dataset


def _changed(dataset: Resource, objects: Objects, status: int) -> Change | Answer:
    """The change that puts a dataset, or its refusal."""
    schema_id = schema_id_of(dataset)
    if objects.get(Kind.SCHEMA, schema_id) is None:
        return failed(400, "1400-400", f"There is no schema with id = [{schema_id}]")
    return Change(objects.put(dataset), found([f"@/dataSets/{dataset.id}"], status))


def _is_tag(operation: Operation) -> bool:
    """Whether an operation gives a tag another value."""
    return operation.kind == "replace" and len(operation.path) == 2 and operation.path[0] == "tags"


def _target_of(connection: Resource) -> Any:
    """The id of the dataset that a target connection writes to."""
    params = connection.fields.get("params")
    return params.get("dataSetId") if isinstance(params, dict) else None


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396): objects are merged, null removes, all else is replaced."""
    both = dict(one)
    for key, value in other.items():
        before = both.get(key)
        if value is None:
            both.pop(key, None)
        elif isinstance(value, dict):
            both[key] = _merged(before if isinstance(before, dict) else {}, value)
        else:
            both[key] = value
    return both


def _sort(items: list[tuple[str, dict[str, Any]]], order: str) -> Answer | None:
    """Sorts in place as ``desc:created,name`` says; 400 where it says nothing that is known."""
    if not order:
        return None
    direction, colon, names = order.rpartition(":")
    if colon and direction not in _DIRECTIONS:
        return failed(400, "1432-400", "orderBy should be asc: or desc: and fields, with commas between")
    for name in reversed([each.strip() for each in names.split(",")]):
        if (refusal := unknown_field(name, DATASET)) is not None:
            return refusal
        items.sort(key=lambda each, name=name: sort_key(each[1].get(name)), reverse=direction == "desc")  # type: ignore[misc]
    return None


def _picked(fields: Mapping[str, Any], request: Request) -> Mapping[str, Any]:
    """Only the fields that a request asks for."""
    wanted = [name.strip() for text in request.all("properties") for name in text.split(",")]
    return {name: fields[name] for name in wanted if name in fields} if wanted else fields
