"""The document of the API says of a table what stands in it, and of the whole table everything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from exporter.daemon.serving.routes import document, routes_of
from exporter.settings.tree import Settings
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.gateway import Gateway
from exporter.source.control.openapi.components import Components
from exporter.source.control.openapi.document import document_of
from exporter.source.control.openapi.route import PATH, described
from exporter.source.control.openapi.services import SERVICES
from exporter.source.control.plane import ControlPlane
from exporter.source.control.request import Request
from exporter.source.control.routes import Found, Reads, Route, Routes
from exporter.source.control.shapes import TEXT, array, fields, named

FLOWS = "/data/foundation/flowservice/flows"
FLOW = named("Flow", fields({"title": TEXT}))


async def _reply(_: Request) -> Answer:
    return Answer(200, b"{}")


ROWS = (
    Route("GET", FLOWS, "listFlows", "List them.", _reply, answers={200: array(FLOW)}, query={"limit": "How many."}),
    Route(
        "PATCH",
        f"{FLOWS}/{{id}}",
        "patchFlow",
        "Change it.",
        _reply,
        Reads.JSON,
        FLOW,
        {200: FLOW},
        headers={"If-Match": "Which."},
    ),
    Route("DELETE", f"{FLOWS}/{{id}}", "deleteFlow", "Delete it.", _reply, answers={204: None}),
    Route("POST", "/ims/token/v3", "createToken", "Get it.", _reply, Reads.FORM, fields({"a": TEXT}), guarded=False),
)
DOCUMENT = document_of(ROWS, "1.2.3")
REFERENCE = {"$ref": "#/components/schemas/Flow"}


def whole_table() -> Routes:
    """The table of ``exporter serve``; of the parts that its replies need there is none."""
    settings = Settings.model_validate({})
    return routes_of(lambda: settings, MagicMock(), MagicMock(), MagicMock(), lambda: 0)


async def test_the_document_needs_nothing_that_runs() -> None:
    found = whole_table().find("GET", PATH)
    assert isinstance(found, Found)
    assert json.loads((await found.route.reply(Request(RequestHead("GET", PATH)))).body) == document()


def named_parameters(operation: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["in"] for each in operation["parameters"] if "name" in each}


def test_a_row_is_an_operation() -> None:
    listing, patch = DOCUMENT["paths"][FLOWS]["get"], DOCUMENT["paths"][f"{FLOWS}/{{id}}"]["patch"]
    assert (listing["operationId"], listing["summary"], listing["tags"]) == (
        "listFlows",
        "List them.",
        ["Flow Service"],
    )
    assert named_parameters(listing) == {"limit": "query"}
    assert named_parameters(patch) == {"id": "path", "If-Match": "header"}
    assert set(patch["requestBody"]["content"]) == {"application/json", "application/json-patch+json"}
    assert "requestBody" not in listing
    assert "content" not in DOCUMENT["paths"][f"{FLOWS}/{{id}}"]["delete"]["responses"]["204"]


def test_a_shape_with_a_name_stands_once() -> None:
    assert DOCUMENT["components"]["schemas"]["Flow"] == fields({"title": TEXT})
    answers = DOCUMENT["paths"][f"{FLOWS}/{{id}}"]["patch"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"] == REFERENCE
    items = DOCUMENT["paths"][FLOWS]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["items"]
    assert items == REFERENCE


def test_two_shapes_of_one_name_are_a_bug() -> None:
    components = Components()
    components.place(array(FLOW))
    with pytest.raises(ValueError, match="two shapes are called Flow"):
        components.place(named("Flow", TEXT))


def test_a_path_of_no_service_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no service has the path /else"):
        document_of([Route("GET", "/else", "getElse", "", _reply)], "1.2.3")


def test_where_tokens_come_from_none_is_needed() -> None:
    assert DOCUMENT["paths"]["/ims/token/v3"]["post"]["security"] == []
    [with_tokens, without] = DOCUMENT["paths"][FLOWS]["get"]["security"]
    assert (set(with_tokens), without) == ({"token", "apiKey", "organisation"}, {})


async def _asked(plane: ControlPlane, **headers: str) -> Answer:
    async def read() -> bytes:
        return b""

    return await plane.answer(RequestHead("GET", PATH, headers=headers), read)


async def test_the_table_answers_with_its_document_to_those_who_may_use_it() -> None:
    plane = ControlPlane(Gateway(None, (), (), ("prod",)), Routes(described(ROWS, "1.2.3")))
    document = json.loads((await _asked(plane)).body)
    assert document["info"]["version"] == "1.2.3"
    assert set(document["paths"]) == {*DOCUMENT["paths"], PATH}
    guarded = ControlPlane(Gateway(MagicMock(), (), (), ("prod",)), plane.routes)
    assert (await _asked(guarded)).status == 403


def test_the_whole_table_is_valid_openapi() -> None:
    document = document_of(whole_table().rows, "1.2.3")
    errors = [f"{list(each.absolute_path)}: {each.message}" for each in OpenAPIV31SpecValidator(document).iter_errors()]
    assert errors == []
    assert {each.name for each in SERVICES} == {
        tag for path in document["paths"].values() for operation in path.values() for tag in operation["tags"]
    }


def test_every_route_is_in_it_and_nothing_else() -> None:
    rows = whole_table().rows
    described_rows = {
        (method.upper(), path, operation["operationId"])
        for path, operations in document_of(rows, "1.2.3")["paths"].items()
        for method, operation in operations.items()
    }
    assert described_rows == {(row.method, row.path, row.name) for row in rows}


def test_every_body_can_be_judged() -> None:
    judged = {row.name for row in whole_table().rows if row.fault is not None and row.fault(0) is not None}
    assert judged == {row.name for row in whole_table().rows if row.reads is Reads.JSON and row.method != "PATCH"}


def test_every_row_says_what_its_bodies_hold() -> None:
    vague = [
        row.name
        for row in whole_table().rows
        if (row.body is None) != (row.reads is Reads.NOTHING) or {"type": "object"} in (row.body, *row.answers.values())
    ]
    assert vague == []
