"""A control plane with nothing but Data Prep's rows, asked in tests as a client asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import orjson
from objects_made import InMemory

from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.rows import routes_of, routes_without_sets
from exporter.source.control.data_prep.stored import MappingSets
from exporter.source.control.gateway import Gateway
from exporter.source.control.objects.bounds import MOST_BYTES
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Register, made_before
from exporter.source.control.objects.resource import Resource, document_of
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.dataprep.run import Bounds
from exporter.source.xdm.declaring.declaration import Declaration, declared_schema
from exporter.source.xdm.schema import Behaviour, Schema
from exporter.state.made_objects import MadeObject

LONG, SHORT = "/data/foundation/conversion", "/data/foundation"
SCHEMA_ID = "https://ns.adobe.com/acmetenant/schemas/f9b79317a6c84828a7ec1426cee338b5f9b79317a6c84828"
CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1"
OUTPUT_SCHEMA = {"schemaRef": {"id": SCHEMA_ID, "contentType": CONTENT_TYPE}}


def _schema() -> Schema:
    fields = {"_id": "string", "b": "string", "age": "integer", "tags": "string[]", "person.name.firstName": "string"}
    found = declared_schema(Declaration(SCHEMA_ID, "", Behaviour.RECORD, fields=fields))
    assert isinstance(found, Schema), found
    return found


SCHEMA = _schema()
#: Its clocks stand still.
WORKSHOP = Workshop(
    lambda name: SCHEMA if name == SCHEMA_ID else None,
    lambda: Bounds(20_000, 1.0),
    lambda count: bytes(range(count)),
    lambda: 0.0,
    lambda: 1_635_243_024_000,
    lambda: 0.0,
    lambda: None,
)


class Kept:
    """A control plane that keeps mapping sets; a second later by its clock with every request."""

    def __init__(self, *resources: Resource, most_bytes: int = MOST_BYTES) -> None:
        self.made = InMemory()
        made = [MadeObject(each.kind, each.id, document_of(each)) for each in resources if each.declared is None]
        self.made.kept = {(each.kind, each.id): each for each in made}
        self.register = Register(Objects(resources), self.made, self._prepare, most_bytes=most_bytes)
        self.moments = count(1_635_243_024_000, 1000)
        self.seeds = count(1)
        workshop = replace(
            WORKSHOP, now=lambda: next(self.moments), random=lambda size: next(self.seeds).to_bytes(size, "big")
        )
        sets = MappingSets(self.register, DataPrep(workshop))
        self.plane = ControlPlane(Gateway(None, (), (), ("prod",)), Routes(routes_of(sets)))

    def beside(self, *resources: Resource) -> Kept:
        """What is kept, beside other resources."""
        return Kept(*self.register.objects, *resources)

    async def _prepare(self, _: Objects) -> Callable[[], None]:
        return lambda: None

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of the answer, after which all that is kept is what the register says."""
        answer = await asked(method, LONG + path, body, plane=self.plane)
        there = {(each.kind, each.id): each for each in self.register.objects if each.declared is None}
        assert {(each.kind, each.id): each for each in await made_before(self.made)} == there
        return answer


def plane_of(data_prep: DataPrep) -> ControlPlane:
    return ControlPlane(Gateway(None, (), (), ("prod",)), Routes(routes_without_sets(data_prep)))


async def asked(
    method: str, path: str, body: Any = None, workshop: Workshop = WORKSHOP, plane: ControlPlane | None = None
) -> tuple[int, Any]:
    """Status and body of the answer; ``path`` may have a query, and a body of bytes is sent as it is."""

    async def read() -> bytes:
        return b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)

    path, _, query = path.partition("?")
    head = RequestHead(method, path, query, {"content-type": "application/json", "x-api-key": "acme-client"})
    answer = await (plane or plane_of(DataPrep(workshop))).answer(head, read)
    return answer.status, orjson.loads(answer.body) if answer.body else None
