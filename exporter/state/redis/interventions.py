"""The port ``Interventions`` in Redis: a hash with the fields ``pause:<group>`` and ``probes:<group>``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from exporter.state.interventions import Intervention, Interventions, OperatorPause
from exporter.state.redis.server import Server


class RedisInterventions(Interventions):
    """``Interventions`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._key = f"{prefix}interventions"

    async def all(self) -> Mapping[str, Intervention]:
        found: Sequence[bytes] = await self._server.call("HGETALL", self._key)
        pauses: dict[str, OperatorPause] = {}
        probes: dict[str, int] = {}
        for field, value in zip(found[::2], found[1::2], strict=True):
            what, _, group = field.decode().partition(":")
            if what == "pause":
                pauses[group] = _pause(value)
            else:
                probes[group] = int(value)
        return {group: Intervention(pauses.get(group), probes.get(group, 0)) for group in pauses | probes}

    async def pause(self, group: str, pause: OperatorPause) -> None:
        value = orjson.dumps([pause.at, pause.by, pause.why])
        await self._server.call("HSET", self._key, f"pause:{group}", value)

    async def resume(self, group: str) -> OperatorPause | None:
        # No transaction, which Redis refuses when out of memory, and which would not help: the pause ends either way.
        value = await self._server.call("HGET", self._key, f"pause:{group}")
        await self._server.call("HDEL", self._key, f"pause:{group}")
        return None if value is None else _pause(value)

    async def probe(self, group: str) -> None:
        await self._server.call("HINCRBY", self._key, f"probes:{group}", 1)

    async def forget(self, group: str) -> OperatorPause | None:
        before = await self.resume(group)
        await self._server.call("HDEL", self._key, f"probes:{group}")
        return before


def _pause(value: bytes) -> OperatorPause:
    at, by, why = orjson.loads(value)
    return OperatorPause(at, by, why)
