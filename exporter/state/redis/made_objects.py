"""The port ``MadeObjects`` in Redis: a hash, a field an object, and their revision in the hash ``meta``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from exporter.state.made_objects import UNCHANGED, MadeObject, MadeObjects, Revision
from exporter.state.redis import scripts
from exporter.state.redis.server import Server

#: The field of ``meta``.
_REVISION: Final = "made-objects"


class RedisMadeObjects(MadeObjects):
    """``MadeObjects`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix
        self._meta, self._objects = f"{prefix}meta", f"{prefix}made-objects"

    async def revision(self) -> str:
        return _name(await self._server.call("HGET", self._meta, _REVISION))

    async def all(self) -> Revision:
        calls = [("HGET", self._meta, _REVISION), ("HGETALL", self._objects)]
        name, found = await self._server.together(calls)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        # An id may have slashes, a kind has none.
        return Revision(_name(name), [MadeObject(*_kind_and_id(field), document) for field, document in pairs])

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]], revision: str) -> str | None:
        name = uuid4().hex
        gone = [f"{kind}/{of_kind}" for kind, of_kind in deleted]
        fields = [part for each in put for part in (f"{each.kind}/{each.id}", each.document)]
        arguments = self._prefix, revision, name, len(gone), *gone, *fields
        # The key is named for permissions to be told of it; the script makes its keys of the prefix.
        done = await self._server.run(scripts.MADE_OBJECTS, [self._meta], *arguments)
        return name if done else None


def _name(said: bytes | None) -> str:
    return UNCHANGED if said is None else said.decode()


def _kind_and_id(field: bytes) -> tuple[str, str]:
    kind, _, name = field.decode().partition("/")
    return kind, name
