"""The state's connections to Redis: every failure as ``StateUnavailable``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.redis_server import server
from exporter.redis_server.access import RedisAccess
from exporter.redis_server.failures import RedisOutOfMemory, RedisUnavailable
from exporter.state.port import StateUnavailable


class Server(server.Server):
    """The connections of the state. Every call that fails raises ``StateUnavailable``."""

    def _unavailable(self, error: RedisUnavailable) -> StateUnavailable:
        if isinstance(error, RedisOutOfMemory):
            return StateUnavailable("Redis is out of memory: raise its maxmemory, or purge dead letters")
        return StateUnavailable(str(error))


@asynccontextmanager
async def connected(access: RedisAccess) -> AsyncIterator[Server]:
    """Connections to the configured Redis, made on demand.

    Raises:
        StateUnavailable: a certificate's file cannot be used.
    """
    try:
        async with server.connected(access, Server) as connection:
            yield connection
    except RedisUnavailable as error:
        raise StateUnavailable(str(error)) from None
