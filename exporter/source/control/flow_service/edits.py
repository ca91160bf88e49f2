"""What a request makes of the objects: pure, so that it may be done where one change follows another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.bodies import said
from exporter.source.control.flow_service.description import STATES, Description
from exporter.source.control.flow_service.view import COMMON, quoted
from exporter.source.control.json_patch import Operation, operations_of, patched
from exporter.source.control.objects.making import unchangeable
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, uncompiled
from exporter.source.control.objects.resource import Resource
from exporter.source.control.request import Request

#: Marks other fields of an object with the time, the client and a new etag.
Marked = Callable[[Resource, Mapping[str, Any]], Resource]


def unknown(word: str, name: str) -> Answer:
    """404: there is no such object; ``word`` is its kind's."""
    return failed(404, "1439-404", f"{word} not found with id = [{name[:64]}]")


def new_fields(description: Description, body: Mapping[str, Any], inlet: str) -> dict[str, Any] | Answer:
    """The fields of a new object, from a body of the kind's shape; or what is wrong with it, as far as it says that."""
    if "state" in body and description.born_enabled:
        return failed(400, "1410-400", f"State is not allowed in the create {description.noun} request.")
    field, specs = description.specs
    spec = body[field]
    if spec["id"] not in specs:
        details = f"Please provide a valid spec id: {field}.id should be {' or '.join(sorted(specs))}"
        return failed(400, "1413-400", details)
    if "version" not in spec:
        return failed(422, "1400-422", f"{field}.version is missing")
    given = {key: value for key, value in body.items() if key not in COMMON and key not in description.derived}
    return description.completed({"state": STATES[0], "description": "", **given}, inlet)


def created(description: Description, resource: Resource, objects: Objects) -> Change | Answer:
    """The objects with a new one."""
    return _with(description, resource, objects, 201)


def changed(description: Description, request: Request, marked: Marked, objects: Objects) -> Change | Answer:
    """The objects with one that a patch has changed."""
    resource = _changeable(description, request, objects)
    if isinstance(resource, Answer):
        return resource
    refused = _other_version(request, resource)
    if refused is not None:
        return refused
    operations = _operations(request)
    if isinstance(operations, Answer):
        return operations
    for operation in operations:
        if (refused := _fixed(description, operation)) is not None:
            return refused
    fields = patched(resource.fields, operations)
    if isinstance(fields, str):
        return failed(400, "1455-400", f"An error has occurred while validating patch instructions: {fields}.")
    if (fault := description.fault(fields)) is not None:
        return failed(400, "1400-400", fault)
    return _with(description, marked(resource, said(fields)), objects)


def switched(description: Description, request: Request, marked: Marked, objects: Objects) -> Change | Answer:
    """The objects with one that is enabled or disabled, which it may be already."""
    resource = _changeable(description, request, objects)
    if isinstance(resource, Answer):
        return resource
    operation = request.one("op").lower()
    states = {"enable": "enabled", "disable": "disabled"}
    if operation not in states:
        return failed(400, "1434-400", f"Unsupported operation '{operation[:64]}' received.")
    if resource.fields["state"] == states[operation]:
        return _marks_of(resource)
    return _change(description, marked(resource, {**resource.fields, "state": states[operation]}), objects)


def deleted(description: Description, request: Request, marked: Marked, objects: Objects) -> Change | Answer:
    """The objects without one."""
    resource = _changeable(description, request, objects)
    if isinstance(resource, Answer):
        return resource
    if (refused := description.held(resource, objects)) is not None:
        return refused
    rest = objects.without(resource.kind, resource.id)
    if description.left is not None:
        kind, fields = description.left
        rest = rest.put(replace(marked(resource, fields(resource, objects)), kind=kind))
    return Change(rest, Answer(204, b""))


def _marks_of(resource: Resource, status: int = 200) -> Answer:
    """What a client gets to know of an object that was made or changed."""
    return found({"id": resource.id, "etag": quoted(resource.etag)}, status)


def _with(description: Description, resource: Resource, objects: Objects, status: int = 200) -> Change | Answer:
    """The objects with one that says something new, or what is wrong with that."""
    if (state := resource.fields.get("state")) not in STATES:
        details = f"State {str(state)[:64]} is not a valid value. Allowed values are [{', '.join(STATES)}]."
        return failed(400, "1456-400", details)
    if (refused := description.checked(resource.fields, objects)) is not None:
        return refused
    return _change(description, resource, objects, status)


def _change(description: Description, resource: Resource, objects: Objects, status: int = 200) -> Change:
    refuse = partial(uncompiled, code=description.uncompiled)
    return Change(objects.put(resource), _marks_of(resource, status), refuse)


def _changeable(description: Description, request: Request, objects: Objects) -> Resource | Answer:
    name = request.ids["id"]
    resource = objects.get(description.kind, name)
    if resource is None:
        return unknown(description.kind, name)
    return unchangeable(resource) or resource


def _other_version(request: Request, resource: Resource) -> Answer | None:
    """Why a request is not about this version of an object; None where it is."""
    supplied = (request.head.headers.get("if-match") or request.one("if-match")).strip()
    if not supplied.strip('"'):
        return failed(400, "1403-400", "The header 'If-Match' is missing in the request.")
    # RFC 9110 §13.1.1: any version that there is, or one of several.
    if supplied == "*" or resource.etag in (each.strip().strip('"') for each in supplied.split(",")):
        return None
    versions = quoted(supplied.strip('"')[:64]), quoted(resource.etag)
    details = "Supplied version=[{}] does not match the current version on entity=[{}].".format(*versions)
    return failed(412, "1404-412", details)


def _operations(request: Request) -> tuple[Operation, ...] | Answer:
    body = request.json() if request.body.strip() else None
    if isinstance(body, Answer):
        return body
    if not body:
        return failed(400, "1405-400", "The request body cannot be null or empty.")
    operations = operations_of(body)
    return failed(400, "1434-400", operations) if isinstance(operations, str) else operations


def _fixed(description: Description, operation: Operation) -> Answer | None:
    """Why an operation is not done, whatever comes of it; None where it may be tried."""
    path = operation.path
    if path[0] == "connectionSpec":
        return failed(400, "1414-400", "The connection spec of a connection cannot be updated.")
    fixed: Iterable[tuple[str, ...]] = (*((each,) for each in COMMON | description.derived), *description.fixed)
    if any(path[: len(each)] == each[: len(path)] for each in fixed):
        shown = operation.pointer[:64]
        return failed(400, "1455-400", f"An error has occurred while validating patch instructions: {shown} is fixed.")
    return None
