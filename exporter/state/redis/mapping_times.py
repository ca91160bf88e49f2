"""When each segment was mapped to a destination, in Redis: noted when first seen (contract.md#configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from exporter.state.port import MappingTimes, Segment
from exporter.state.redis.server import Server


class RedisMappingTimes(MappingTimes):
    """``MappingTimes`` on a server."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    async def first_seen(
        self, destination: str, segments: Sequence[Segment], now_ms: int
    ) -> Mapping[Segment, tuple[int, int]]:
        known = await self.known(destination)
        new = [segment for segment in segments if segment not in known]
        if new:
            # Of several processes that note a mapping at the same time, the first counts.
            times = f"{now_ms} {now_ms}"
            await self._server.together(
                [("HSETNX", self._key(destination), orjson.dumps(segment), times) for segment in new]
            )
            known = await self.known(destination)
        return {segment: known[segment] for segment in segments}

    async def known(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        found: Sequence[bytes] = await self._server.call("HGETALL", self._key(destination))
        times: dict[Segment, tuple[int, int]] = {}
        for field, value in zip(found[::2], found[1::2], strict=True):
            namespace, segment = orjson.loads(field)
            created, updated = value.split()
            times[(namespace, segment)] = (int(created), int(updated))
        return times

    def _key(self, destination: str) -> str:
        return f"{self._prefix}mapping-times:{destination}"
