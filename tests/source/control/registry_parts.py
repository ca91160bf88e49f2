"""A control plane with schemas, datasets and namespaces, whose changes are compiled as a configuration is."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from objects_made import InMemory

from exporter.sections.mistakes import Mistake
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control import namespaces
from exporter.source.control.catalog import dataset_fields, datasets
from exporter.source.control.gateway import Gateway
from exporter.source.control.objects.making import Making
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Install, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.plane import ControlPlane
from exporter.source.control.routes import Routes
from exporter.source.control.schema_registry import routes as schema_registry
from exporter.source.control.schema_registry.settings import settings_of
from exporter.source.dataprep.run import Bounds
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.compiling import Declared, compiled
from exporter.source.xdm.identified import IdentityRules

REGISTRY = "/data/foundation/schemaregistry"
SCHEMAS = f"{REGISTRY}/tenant/schemas"
DESCRIPTORS = f"{REGISTRY}/tenant/descriptors"
DATASETS = "/data/foundation/catalog/dataSets"
NAMESPACES = "/data/core/idnamespace/identities"
ORG = "ABCDEF0123456789@AdobeOrg"


class Reply(NamedTuple):
    """What was answered; ``body`` is None where there is none."""

    status: int
    body: Any


class Plane:
    """The control plane, asked as clients ask. ``catalogue`` is what the objects were compiled into last."""

    def __init__(self, resources: Iterable[Resource] = (), *, closed: bool = False) -> None:
        self.catalogue: Catalogue | None = None
        self.made = InMemory()
        self.now = 1_795_969_392_841
        self.making = Making(ORG, "acme", "prod", self._time, random.Random(1).randbytes)
        self.register = Register(Objects(resources), self.made, self._prepare)
        rows = [
            *schema_registry.routes_of(self.register, self.making, lambda: closed),
            *datasets.routes_of(self.register, self.making),
            *namespaces.routes_of(self.register, self.making),
        ]
        self._plane = ControlPlane(Gateway(None, (), (), ("prod",)), Routes(rows))

    async def ask(
        self, method: str, path: str, body: Any = None, *, accept: str | None = None, query: str = "", text: bytes = b""
    ) -> Reply:
        async def read() -> bytes:
            return text or (b"" if body is None else json.dumps(body).encode())

        headers = {"content-type": "application/json", "x-api-key": "acme-client"}
        if accept is not None:
            headers["accept"] = accept
        answer = await self._plane.answer(RequestHead(method, path, query, headers), read)
        return Reply(answer.status, json.loads(answer.body) if answer.body else None)

    async def make_schema(self, *groups: str, **fields: Any) -> dict[str, Any]:
        """A schema of a profile with these field groups, by the last parts of their ids."""
        references = [{"$ref": f"https://ns.adobe.com/xdm/context/{each}"} for each in ("profile", *groups)]
        reply = await self.ask("POST", SCHEMAS, {"title": "ACME people", "allOf": references, **fields})
        assert reply.status == 201, reply
        schema: dict[str, Any] = reply.body
        return schema

    async def make_descriptor(self, schema: dict[str, Any], path: str, **fields: Any) -> Reply:
        """An identity in the namespace Email."""
        body = {
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": schema["$id"],
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": path,
            "xdm:namespace": "Email",
            "xdm:property": "xdm:code",
            **fields,
        }
        return await self.ask("POST", DESCRIPTORS, body)

    async def make_dataset(self, schema: dict[str, Any], **fields: Any) -> str:
        """The id of a new dataset."""
        reply = await self.ask("POST", DATASETS, {"name": "ACME", "schemaRef": {"id": schema["$id"]}, **fields})
        assert reply.status == 201, reply
        return str(reply.body[0]).removeprefix("@/dataSets/")

    def _time(self) -> int:
        self.now += 1
        return self.now

    async def _prepare(self, objects: Objects) -> Install | Sequence[Mistake]:
        schemas = [settings_of(each, objects) for each in objects.all(Kind.SCHEMA) if each.declared is None]
        sections = [each for each in schemas if not isinstance(each, tuple)]
        assert sections == schemas, "what is not compiled is refused before"
        declared = Declared(sections, [dataset_fields.settings_of(each) for each in objects.all(Kind.DATASET)])
        found = compiled(declared, {}, IdentityRules(), Bounds(100_000, 1.0))
        if isinstance(found, tuple):
            return found

        def install() -> None:
            self.catalogue = found

        return install


def at(schema: dict[str, Any]) -> str:
    """The path of a schema, whose id is percent-encoded."""
    return f"{SCHEMAS}/{quote(schema['$id'], safe='')}"
