"""Whatever the control plane takes, it can show in the words of its own document: nothing else is taken."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest
from flow_service_parts import (
    AT,
    DATASET,
    HTTP_SPEC,
    LAKE_SPEC,
    MADE_MAPPING,
    MAPPED_SPEC,
    SOURCES,
    URL,
    around,
    making,
)
from jsonschema import Draft202012Validator
from objects_made import InMemory

from exporter.source.collection.checks.request import RequestHead
from exporter.source.control import namespaces
from exporter.source.control.catalog import datasets
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.rows import routes_of as data_prep_routes
from exporter.source.control.data_prep.stored import MappingSets
from exporter.source.control.flow_service.routes import routes_of as flow_service_routes
from exporter.source.control.gateway import Gateway
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.openapi.document import document_of
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.control.schema_registry.routes import routes_of as schema_routes
from exporter.source.dataprep.run import Bounds

FOUNDATION = "/data/foundation"
SERVICE, REGISTRY = f"{FOUNDATION}/flowservice", f"{FOUNDATION}/schemaregistry/tenant"
SOURCE_CONNECTION, TARGET_CONNECTION = SOURCES[0].source_connection_id, SOURCES[0].target_connections[DATASET]
OUTPUT = {"schemaRef": {"id": "https://ns.example.com/s", "contentType": "application/json"}}
MAPPING = {"sourceType": "ATTRIBUTE", "source": "a", "destination": "b", "identity": False, "name": "n"}
AUTH = {"specName": "Streaming Connection", "params": {"sourceId": "a", "dataType": "raw", "name": "b"}}
REFERENCE = {"name": "Mapping", "params": {"mappingId": MADE_MAPPING, "mappingVersion": 0}}
ENDS = {"sourceConnectionIds": [SOURCE_CONNECTION], "targetConnectionIds": [TARGET_CONNECTION]}
DESCRIPTOR = {"@type": "xdm:descriptorLabel", "xdm:sourceVersion": 1, "xdm:sourceProperty": "/a", "xdm:namespace": "E"}
DESCRIBED = {**DESCRIPTOR, "xdm:property": "xdm:code", "xdm:isPrimary": False}
DATA = {"format": "json", "schema": {"id": None, "version": "1"}}
#: By path: a good body, and what changes such an object in part.
BODIES: Mapping[str, Mapping[str, Any]] = {
    f"{SERVICE}/connections": {"name": "n", "description": "d", "connectionSpec": HTTP_SPEC, "auth": AUTH},
    f"{SERVICE}/sourceConnections": {
        "name": "n",
        "baseConnectionId": SOURCES[0].connection_id,
        "connectionSpec": HTTP_SPEC,
        "data": {"format": "json"},
        "params": {"inletUrl": "x"},
    },
    f"{SERVICE}/targetConnections": {
        "name": "n",
        "connectionSpec": LAKE_SPEC,
        "params": {"dataSetId": DATASET, "endpoint": "x"},
        "data": DATA,
    },
    f"{SERVICE}/flows": {"name": "n", "flowSpec": MAPPED_SPEC, **ENDS, "transformations": [REFERENCE]},
    f"{FOUNDATION}/conversion/mappingSets": {
        "name": "n",
        "status": "DRAFT",
        "outputSchema": OUTPUT,
        "allowNullValues": False,
        "mappings": [MAPPING],
    },
    f"{REGISTRY}/schemas": {"title": "t", "description": "d", "type": "object", "meta:class": "x", "properties": {}},
    f"{REGISTRY}/descriptors": DESCRIBED,
    f"{FOUNDATION}/catalog/dataSets": {
        "name": "n",
        "description": "d",
        "state": "DRAFT",
        "schemaRef": {"contentType": "application/json"},
        "tags": {"a": ["b"]},
    },
}
#: Nothing of what is asked here is compiled or tried.
WORKSHOP = Workshop(
    lambda _: None,
    lambda: Bounds(20_000, 1.0),
    random.Random(1).randbytes,
    lambda: 0.0,
    lambda: AT,
    lambda: 0.0,
    lambda: None,
)
ODD: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", [], {}, [[]], [1], {"a": 1}, {"id": 1})


class Plane:
    """All that makes objects, of which nothing is compiled; answers are held against the document."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        marks = making()
        self.register = Register(Objects(resources), InMemory(), _prepared)
        rows = [
            *flow_service_routes(self.register, marks, lambda: URL),
            *data_prep_routes(MappingSets(self.register, DataPrep(WORKSHOP))),
            *schema_routes(self.register, marks),
            *datasets.routes_of(self.register, marks),
            *namespaces.routes_of(self.register, marks),
        ]
        self.routes = Routes(rows)
        self.plane = ControlPlane(Gateway(None, (), (), ("prod",)), self.routes)
        self.document = document_of(rows, "1")

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body, which is what the document says of that status."""

        async def read() -> bytes:
            return b"" if body is None else json.dumps(body).encode()

        answer = await self.plane.answer(RequestHead(method, path), read)
        found: Any = self.routes.find(method, path)
        responses = self.document["paths"][found.route.path][method.lower()]["responses"]
        described = responses.get(str(answer.status)) or responses[f"{answer.status // 100}XX"]
        if "$ref" in described:
            described = self.document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        value = json.loads(answer.body) if answer.body else None
        if "content" in described:
            whole = {**described["content"]["application/json"]["schema"], "components": self.document["components"]}
            wrong = [f"{each.json_path}: {each.message}" for each in Draft202012Validator(whole).iter_errors(value)]
            assert wrong == [], (method, path, body)
        return answer.status, value


async def _prepared(_: Objects) -> Callable[[], None]:
    return lambda: None


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield from _places(below, (*at, step))


def _with(body: Any, at: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(body)
    into = changed
    for step in at[:-1]:
        into = into[step]
    into[at[-1]] = odd
    return changed


def _name_of(answer: Any) -> str:
    if isinstance(answer, list):
        return str(answer[0]).removeprefix("@/dataSets/")
    return str(answer.get("meta:altId") or answer.get("@id") or answer["id"])


@pytest.mark.parametrize("path", BODIES)
async def test_what_is_taken_is_shown_as_described(path: str) -> None:
    # The mapping sets of these tests are stubs, which cannot be shown.
    plane = Plane(each for each in around() if each.kind is not Kind.MAPPING_SET or "mappingSets" not in path)
    _, schema = await plane.ask("POST", f"{REGISTRY}/schemas", {"title": "t"})
    good: dict[str, Any] = copy.deepcopy(dict(BODIES[path]))
    if "schemaRef" in good:
        good["schemaRef"]["id"] = schema["$id"]
    if "@type" in good:
        good["xdm:sourceSchema"] = schema["$id"]
    status, made = await plane.ask("POST", path, good)
    assert status < 300, made
    draw = random.Random(1)
    for at in _places(good):
        for odd in draw.sample(ODD, 6):
            status, answer = await plane.ask("POST", path, _with(good, at, odd))
            if status < 300:
                assert (await plane.ask("GET", f"{path}/{_name_of(answer)}"))[0] == 200
        if at[:1] != ("schemaRef",):
            patch = [{"op": "replace", "path": "/" + "/".join(map(str, at)), "value": draw.choice(ODD)}]
            if "PATCH" in plane.routes.find("HEAD", f"{path}/x").methods and "flowservice" not in path:  # type: ignore[union-attr]
                await plane.ask("PATCH", f"{path}/{_name_of(made)}", patch)
                assert (await plane.ask("GET", f"{path}/{_name_of(made)}"))[0] == 200
    assert (await plane.ask("GET", path))[0] == 200
