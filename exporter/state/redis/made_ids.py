"""The port ``MadeIds`` in Redis: a hash, a field a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exporter.state.made_ids import MadeIds
from exporter.state.redis.server import Server


class RedisMadeIds(MadeIds):
    """``MadeIds`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._key = f"{prefix}made-ids"

    async def settled(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        if not wanted:
            return {}
        await self._server.together([("HSETNX", self._key, name, made) for name, made in wanted.items()])
        return await self.known(wanted)

    async def known(self, names: Collection[str]) -> Mapping[str, str]:
        if not names:
            return {}
        found = await self._server.call("HMGET", self._key, *names)
        return {name: value.decode() for name, value in zip(names, found, strict=True) if value is not None}
