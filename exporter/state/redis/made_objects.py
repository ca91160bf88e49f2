"""The port ``MadeObjects`` in Redis: a hash, a field an object."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.state.made_objects import MadeObject, MadeObjects
from exporter.state.redis.server import Server


class RedisMadeObjects(MadeObjects):
    """``MadeObjects`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._key = f"{prefix}made-objects"

    async def all(self) -> Sequence[MadeObject]:
        found = await self._server.call("HGETALL", self._key)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        # An id may have slashes, a kind has none.
        return [MadeObject(*_kind_and_id(name), document) for name, document in pairs]

    async def write(self, put: Sequence[MadeObject], deleted: Sequence[tuple[str, str]]) -> None:
        calls: list[tuple[str | bytes, ...]] = []
        if put:
            fields = ((f"{each.kind}/{each.id}", each.document) for each in put)
            calls.append(("HSET", self._key, *(part for pair in fields for part in pair)))
        if deleted:
            calls.append(("HDEL", self._key, *(f"{kind}/{name}" for kind, name in deleted)))
        if calls:
            await self._server.together(calls)


def _kind_and_id(field: bytes) -> tuple[str, str]:
    kind, _, name = field.decode().partition("/")
    return kind, name
