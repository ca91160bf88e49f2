"""The state's connections to Redis: every failure as ``StateUnavailable``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from exporter.redis_server import server
from exporter.redis_server.access import RedisAccess
from exporter.redis_server.failures import RedisOutOfMemory, RedisUnavailable
from exporter.redis_server.server import Server
from exporter.state.port import StateUnavailable

__all__ = ["Server", "connected"]


def connected(access: RedisAccess) -> AbstractAsyncContextManager[Server]:
    """Connections to the configured Redis, made on demand. Every call that fails raises ``StateUnavailable``.

    Raises:
        StateUnavailable: on entering: a certificate's file cannot be used.
    """
    return server.connected(access, _in_our_words)


def _in_our_words(error: RedisUnavailable) -> StateUnavailable:
    if isinstance(error, RedisOutOfMemory):
        return StateUnavailable("Redis is out of memory: raise its maxmemory, or purge dead letters")
    return StateUnavailable(str(error))
