"""The Flow Service behind the real table of routes, over objects that stand in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode

import orjson
from objects_made import InMemory

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.flow_service.declared import declared_resources
from exporter.source.control.flow_service.routes import PATH, routes_of
from exporter.source.control.gateway import Gateway
from exporter.source.control.objects.making import Making, declared_resource
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Install, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.processing.planes import Ids
from exporter.source.settings.declared import DatasetSettings, MappingSetSettings, SourceSettings

ORG = "ABCDEF0123456789@AdobeOrg"
URL = "https://in.example.com"
FILE = "config/sources.yaml"
AT = 1_700_000_000_000
MOST = 10_000
#: Those of the tutorials.
SCHEMA = "https://ns.adobe.com/acme/schemas/7f682c29f887512a897791e7161b90a1ae7ed3dd07a177b1"
OTHER_SCHEMA = "https://ns.adobe.com/acme/schemas/0000000000000000000000000000000000000000000000b1"
DATASET, OTHER_DATASET = "637eb7fadc8a211b6312b65b", "604a18a3bae67d18db6d258c"
MAPPING = "79a623960d3f4969835c9e00dc90c8df"
MADE_MAPPING = "745c6d13a4804149a33a0fd3b0fbc9e4"
CONNECTION = "a59d368a-1152-4673-a46e-bd52e8cdb9a9"
SOURCE_CONNECTION = "34ece231-294d-416c-ad2a-5a5dfb2bc69f"
TARGET_CONNECTION = "07f2f6ff-1da5-4704-916a-c615b873cba9"
FLOW, RAW_FLOW = "f2ae0194-8bd8-4a40-a4d9-f07bdc3e6ce2", "1f086c23-2ea8-4d06-886c-232ea8bd061d"
INLET = "667b41cf2dbf3509927da1ebf7e93c20afa727cc8d8373e51da18b62e1b985ec"
OLDER_INLET = "2301a1f761f6d7bf62c5312c535e1076bbc7f14d728e63cdfd37ecbb4344425b"
OLDER_CONNECTION = "00000000-0000-4000-8000-00000000000a"

HTTP_SPEC = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
LAKE_SPEC = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
PLAIN_SPEC = {"id": "d8a6f005-7eaf-4153-983e-e8574508b877", "version": "1.0"}
MAPPED_SPEC = {"id": "c1a19761-d2c7-4702-b9fa-fe91f0613e81", "version": "1.0"}

_RAW = {"id": RAW_FLOW, "name": "raw", "dataset": DATASET, "mapping": MAPPING}
SOURCES = tuple(
    SourceSettings.model_validate(each)
    for each in (
        {
            "name": "acme",
            "inlet": INLET,
            "connection_id": CONNECTION,
            "source_connection_id": SOURCE_CONNECTION,
            "target_connections": {DATASET: TARGET_CONNECTION},
            "datasets": [OTHER_DATASET],
            "flows": [{"id": FLOW, "name": "xdm", "dataset": DATASET}, _RAW],
        },
        {"name": "older", "flows": [_RAW], "authentication": True},
    )
)
IDS = Ids(
    {"acme": INLET, "older": OLDER_INLET},
    {"acme": CONNECTION, "older": OLDER_CONNECTION},
    {("acme", 0): FLOW, ("acme", 1): RAW_FLOW, ("older", 0): RAW_FLOW},
)
DATASETS = tuple(
    DatasetSettings.model_validate({"id": name, "schema": schema})
    for name, schema in ((DATASET, SCHEMA), (OTHER_DATASET, OTHER_SCHEMA))
)
MAPPINGS = (MappingSetSettings.model_validate({"id": MAPPING, "schema": SCHEMA, "mappings": {}}),)


def around() -> Iterable[Resource]:
    """What other services declare and make, and what the configuration declares of this one."""
    for dataset in DATASETS:
        fields: dict[str, Any] = {"name": "", "schemaRef": {"id": dataset.schema, "contentType": "…"}}
        yield declared_resource(Kind.DATASET, dataset.id, fields, FILE, AT)
    yield declared_resource(Kind.MAPPING_SET, MAPPING, {"versions": [{"version": 0, "xdmSchema": SCHEMA}]}, FILE, AT)
    schemas = {0: SCHEMA, 1: SCHEMA, 2: OTHER_SCHEMA}
    made = [
        {"version": version, "outputSchema": {"schemaRef": {"id": schema}}, "xdmSchema": schema, "mappings": []}
        for version, schema in schemas.items()
    ]
    yield making().made(Kind.MAPPING_SET, MADE_MAPPING, {"versions": made}, _Nobody)
    yield from declared_resources(SOURCES, DATASETS, MAPPINGS, IDS, FILE, AT)


def making() -> Making:
    """Marks by a clock that goes, and by bytes that are drawn."""
    times, random = iter(range(AT + 1, AT + 10_000_000)), Random(1)
    return Making(ORG, "acme", "prod", lambda: next(times), random.randbytes)


class _NobodysRequest:
    client = ""


_Nobody: Any = _NobodysRequest()


class Service:
    """The service, and who asks it."""

    def __init__(self, mistakes: Sequence[Mistake] = ()) -> None:
        self.made = InMemory()
        self.mistakes = mistakes
        self.register = Register(Objects(around()), self.made, self._prepare, most_bytes=MOST)
        routes = Routes(routes_of(self.register, making(), lambda: URL))
        self.plane = ControlPlane(Gateway(None, (), (), ("prod",)), routes)

    async def _prepare(self, _: Objects) -> Install | Sequence[Mistake]:
        return self.mistakes or (lambda: None)

    async def ask(
        self, method: str, path: str, body: Any = None, *, query: Any = (), headers: Any = (), raw: bytes | None = None
    ) -> Answer:
        """The answer to a request; ``path`` begins after the service's."""
        text = raw if raw is not None else b"" if body is None else orjson.dumps(body)
        known = {"content-type": "application/json", "x-api-key": "acme-client", **dict(headers)}
        written = query if isinstance(query, str) else urlencode(query)

        async def read() -> bytes:
            return text

        return await self.plane.answer(RequestHead(method, f"{PATH}{path}", written, known, len(text)), read)

    async def create(self, kind: str, body: Any) -> str:
        """The id of a new object."""
        answer = await self.ask("POST", f"/{kind}", body)
        assert answer.status == 201, answer.body
        return str(orjson.loads(answer.body)["id"])

    async def shown(self, kind: str, name: str) -> dict[str, Any]:
        """An object as it is shown."""
        answer = await self.ask("GET", f"/{kind}/{name}")
        assert answer.status == 200, answer.body
        (item,) = orjson.loads(answer.body)["items"]
        return dict(item)


def connection(**more: Any) -> dict[str, Any]:
    """The body of a new connection."""
    auth = {"specName": "Streaming Connection", "params": {"dataType": "raw"}}
    return {"name": "ACME", "connectionSpec": HTTP_SPEC, "auth": auth, **more}


def source_connection(base: str = CONNECTION, **more: Any) -> dict[str, Any]:
    """The body of a new source connection."""
    return {"name": "s", "baseConnectionId": base, "connectionSpec": HTTP_SPEC, **more}


def target_connection(dataset: str = DATASET, **more: Any) -> dict[str, Any]:
    """The body of a new target connection."""
    return {"name": "t", "params": {"dataSetId": dataset}, "connectionSpec": LAKE_SPEC, **more}


def flow(*sources: str, target: str = TARGET_CONNECTION, **more: Any) -> dict[str, Any]:
    """The body of a new flow."""
    ids = list(sources) or [SOURCE_CONNECTION]
    return {"name": "f", "flowSpec": PLAIN_SPEC, "sourceConnectionIds": ids, "targetConnectionIds": [target], **more}


def mapping(name: str = MADE_MAPPING, version: int = 0) -> list[dict[str, Any]]:
    """The transformations of a flow with a mapping set."""
    return [{"name": "Mapping", "params": {"mappingId": name, "mappingVersion": version}}]


def error(answer: Answer) -> tuple[int, str]:
    """Status and code of an answer, which has the shape of errors."""
    body = orjson.loads(answer.body)
    assert set(body) == {"errorCode", "errorMessage", "errorDetails", "status"}
    assert body["status"] == answer.status
    assert body["errorDetails"]
    return answer.status, body["errorCode"]
