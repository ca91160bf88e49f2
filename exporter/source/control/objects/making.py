"""What objects are marked with when they are made, changed or declared: ids, times, clients and etags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.objects.resource import Kind, Origin, Resource
from exporter.source.control.request import Request

#: The new fields of an object, or why there are none.
Rewriting: TypeAlias = Callable[[Resource], Mapping[str, Any] | Answer]


@dataclass(frozen=True, slots=True)
class Making:
    """Whose objects are made, and what is new of each.

    Attributes:
        org_id: the organisation, as clients name it.
        tenant: the tenant's name, without an underscore before it.
        sandbox: the name of the sandbox.
        now: epoch milliseconds.
        random: makes as many unpredictable bytes as it is asked for.
    """

    org_id: str
    tenant: str
    sandbox: str
    now: Callable[[], int] = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)

    @property
    def sandbox_id(self) -> str:
        """The id of the sandbox: always the same for its name."""
        return str(uuid5(NAMESPACE_URL, f"{self.org_id}/{self.sandbox}"))

    def made(self, kind: Kind, name: str, fields: Mapping[str, Any], request: Request) -> Resource:
        """A new object, which a request asks for."""
        origin = self.origin(request)
        return Resource(kind, name, fields, origin, origin, self.etag())

    def origin(self, request: Request) -> Origin:
        """That a request does something now."""
        return Origin(self.now(), request.client)

    def etag(self) -> str:
        """An etag that nothing had before."""
        return str(UUID(bytes=self.random(16)))


def rewritten(before: Resource | Answer, rewrite: Rewriting, origin: Origin, etag: str) -> Resource | Answer:
    """An object with the fields that ``rewrite`` makes of it; or why there is no such object, or no such fields."""
    if isinstance(before, Answer):
        return before
    fields = rewrite(before)
    return fields if isinstance(fields, Answer) else before.changed(fields, origin, etag)


def declared_resource(kind: Kind, name: str, fields: Mapping[str, Any], file: str, at: int) -> Resource:
    """An object with ``fields``, JSON values, that a ``file`` declares, which was read ``at`` epoch milliseconds.

    Its etag is the same as long as its fields are: in every process, and after every start.
    """
    content = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    etag = str(UUID(bytes=sha256(content).digest()[:16]))
    return Resource(kind, name, fields, Origin(at), Origin(at), etag, declared=file)


def following(version: str) -> str:
    """The version after another one: ``1.5`` after ``1.4``."""
    rest, _, last = version.rpartition(".")
    return f"{rest}.{int(last) + 1}"


def unchangeable(resource: Resource) -> Answer | None:
    """400: the object is declared, and changed only where it is; None where it was made by API."""
    return None if resource.declared is None else failed(400, "1400-400", f"declared in {resource.declared}")
