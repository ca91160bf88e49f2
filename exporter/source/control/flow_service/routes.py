"""The rows of the Flow Service in the table of the control plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.flow_service import shapes
from exporter.source.control.flow_service.connections import connections
from exporter.source.control.flow_service.description import Description
from exporter.source.control.flow_service.edits import unknown
from exporter.source.control.flow_service.flows import flows
from exporter.source.control.flow_service.replies import Replies
from exporter.source.control.flow_service.source_connections import source_connections
from exporter.source.control.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from exporter.source.control.flow_service.target_connections import target_connections
from exporter.source.control.listing import QUERY, listed
from exporter.source.control.objects.making import Making
from exporter.source.control.objects.register import Register
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route
from exporter.source.control.shapes import JSON_PATCH, Shape, named

PATH: Final = "/data/foundation/flowservice"
_IF_MATCH: Final = {"if-match": "The etag, for clients that send no header If-Match."}
_VERSION: Final = {"If-Match": "The etag of the version that is meant, with or without its quotes."}
_OPERATION: Final = {"op": "enable or disable."}


def routes_of(register: Register, making: Making, public_url: Callable[[], str]) -> Iterator[Route]:
    """The rows.

    Args:
        register: the objects in force.
        making: what new objects are marked with.
        public_url: what the addresses of inlets begin with, whenever it is asked for.
    """
    for description in (connections(), source_connections(), target_connections(), flows()):
        yield from _rows(description, Replies(description, register, making, public_url))
    yield from _specs("connectionSpecs", "ConnectionSpec", CONNECTION_SPECS, shapes.CONNECTION_SPEC)
    yield from _specs("flowSpecs", "FlowSpec", FLOW_SPECS, shapes.FLOW_SPEC)


def _rows(of: Description, replies: Replies) -> Iterator[Route]:
    path, noun = f"{PATH}/{of.kind}", of.noun
    one = f"{path}/{{id}}"
    listed, shown, marks = shapes.many(shapes.SHOWN[of.kind]), shapes.one(shapes.SHOWN[of.kind]), {200: shapes.MARKS}
    yield Route("GET", path, f"list{of.operation}s", f"List {noun}s.", replies.list, answers=listed, query=QUERY)
    summary, body = f"Make a {noun}.", named(f"New{of.operation}", of.shape)
    yield Route("POST", path, f"create{of.operation}", summary, replies.create, Reads.JSON, body, {201: shapes.MARKS})
    yield Route("GET", one, f"get{of.operation}", f"Read a {noun}.", replies.get, answers=shown)
    summary = f"Change a {noun} by JSON Patch; If-Match names the version that is changed."
    name = f"patch{of.operation}"
    yield Route("PATCH", one, name, summary, replies.patch, Reads.JSON, JSON_PATCH, marks, _IF_MATCH, _VERSION)
    yield Route("DELETE", one, f"delete{of.operation}", f"Delete a {noun}.", replies.delete, answers={204: None})
    if of.switched:
        name, summary = f"switch{of.operation}", f"Enable or disable a {noun}."
        yield Route("POST", f"{one}/action", name, summary, replies.switch, answers=marks, query=_OPERATION)
    if of.tested:
        name, summary = f"test{of.operation}", f"Whether a {noun} takes records."
        yield Route("GET", f"{one}/test", name, summary, replies.test, answers={200: shapes.TESTED})


def _specs(word: str, operation: str, specs: Sequence[Mapping[str, Any]], shape: Shape) -> Iterator[Route]:
    path = f"{PATH}/{word}"

    async def listing(request: Request) -> Answer:
        return listed(request, specs, f"/{word}", shape)

    async def get(request: Request) -> Answer:
        name = request.ids["id"]
        named = [each for each in specs if each["id"] == name]
        return found({"items": named}) if named else unknown(word, name)

    answers = shapes.many(shape)
    yield Route("GET", path, f"list{operation}s", "List specifications.", listing, answers=answers, query=QUERY)
    answers = shapes.one(shape)
    yield Route("GET", f"{path}/{{id}}", f"get{operation}", "Read a specification.", get, answers=answers)
