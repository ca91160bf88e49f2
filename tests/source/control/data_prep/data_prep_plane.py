"""A control plane with nothing but Data Prep's rows, asked in tests as a client asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.data_prep.examining import Workshop
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.rows import routes_of
from exporter.source.control.gateway import Gateway
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.dataprep.run import Bounds
from exporter.source.xdm.declaring.declaration import Declaration, declared_schema
from exporter.source.xdm.schema import Behaviour, Schema

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
#: Its clock stands still.
WORKSHOP = Workshop(
    lambda name: SCHEMA if name == SCHEMA_ID else None,
    lambda: Bounds(20_000, 1.0),
    lambda count: bytes(range(count)),
    lambda: 0.0,
    lambda: 1_635_243_024_000,
)


def with_clock(clock: Callable[[], float]) -> Workshop:
    return replace(WORKSHOP, clock=clock)


def plane_of(data_prep: DataPrep) -> ControlPlane:
    return ControlPlane(Gateway(None, (), (), ("prod",)), Routes(routes_of(data_prep)))


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
