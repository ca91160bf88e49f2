"""Opens the state on Redis, for the daemon or only to look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

from exporter.redis_server.advising import advice
from exporter.state.bad_records import BadRecords
from exporter.state.dead_letters import DeadLetters
from exporter.state.interventions import Intervention
from exporter.state.port import Segment, StateUnavailable
from exporter.state.redis.bad_records import RedisBadRecordStore
from exporter.state.redis.interventions import RedisInterventions
from exporter.state.redis.letter_store import RedisLetterStore
from exporter.state.redis.made_ids import RedisMadeIds
from exporter.state.redis.made_objects import RedisMadeObjects
from exporter.state.redis.mapping_times import RedisMappingTimes
from exporter.state.redis.probing import try_all
from exporter.state.redis.server import Server, connected

if TYPE_CHECKING:
    from exporter.state.redis.settings import RedisStateSettings

T = TypeVar("T")

#: The version of what stands under the keys; a newer version is refused.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class RedisState:
    """``State`` on a server."""

    identity: str
    letters: DeadLetters
    mapping_times: RedisMappingTimes
    interventions: RedisInterventions
    bad_records: BadRecords
    made_ids: RedisMadeIds
    made_objects: RedisMadeObjects
    _server: Server
    _prefix: str

    async def check(self) -> None:
        """Everything that is done with Redis is tried under separate keys."""
        await try_all(self._server, self._prefix)

    async def advice(self) -> Sequence[str]:
        """What an operator should know of how durable confirmed writes are on the server."""
        return await advice(self._server, StateUnavailable)


@asynccontextmanager
async def open_redis_state(settings: RedisStateSettings) -> AsyncIterator[RedisState]:
    """Connect, and look at the version of what stands there.

    Raises:
        StateUnavailable: Redis cannot be used now, or a newer exporter wrote the state.
    """
    prefix = settings.key_prefix
    async with connected(settings) as server:
        identity = await _identity(server, prefix)
        letters = DeadLetters(RedisLetterStore(server, prefix))
        mapping_times, interventions = RedisMappingTimes(server, prefix), RedisInterventions(server, prefix)
        bad_records = BadRecords(RedisBadRecordStore(server, prefix))
        made = RedisMadeIds(server, prefix), RedisMadeObjects(server, prefix)
        yield RedisState(identity, letters, mapping_times, interventions, bad_records, *made, server, prefix)


async def _identity(server: Server, prefix: str) -> str:
    """The state's name, created if missing. Raises as ``open_redis_state``."""
    meta = f"{prefix}meta"
    found = await server.call("HMGET", meta, "identity", "schema")
    if found[0] is None:
        await server.together([("HSETNX", meta, "identity", uuid4().hex), ("HSETNX", meta, "schema", SCHEMA)])
        found = await server.call("HMGET", meta, "identity", "schema")
    if found[0] is None or int(found[1] or 0) > SCHEMA:
        raise StateUnavailable(f"what stands under {prefix} was written by a newer exporter")
    return str(found[0].decode())


def look_up_mapping_times(settings: RedisStateSettings, destination: str) -> Mapping[Segment, tuple[int, int]]:
    """The mapping times noted for ``destination``; empty where Redis cannot be read. Notes nothing."""
    return _looked_up(settings, lambda server: RedisMappingTimes(server, settings.key_prefix).known(destination)) or {}


def look_up_interventions(settings: RedisStateSettings) -> Mapping[str, Intervention]:
    """What operators have asked of groups; empty where Redis cannot be read."""
    return _looked_up(settings, lambda server: RedisInterventions(server, settings.key_prefix).all()) or {}


def _looked_up(settings: RedisStateSettings, ask: Callable[[Server], Awaitable[T]]) -> T | None:
    async def look() -> T:
        async with connected(settings) as server:
            return await ask(server)

    try:
        return asyncio.run(look())
    except StateUnavailable:
        return None
