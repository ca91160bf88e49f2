"""The queue's connections to Redis: every failure as ``QueueUnavailable``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.queues.port import QueueUnavailable
from exporter.redis_server import server
from exporter.redis_server.access import RedisAccess
from exporter.redis_server.failures import RedisHasNoSuchGroup, RedisOutOfMemory, RedisUnavailable
from exporter.redis_server.server import Argument, Script

__all__ = ["BLOCK_SECONDS", "Argument", "NoSuchGroup", "OutOfMemory", "Script", "Server", "connected"]

#: Shorter than the time-out of a call, so that an idle stream does not time out.
BLOCK_SECONDS = 2.0


class NoSuchGroup(QueueUnavailable):
    """The stream, or the group on it, is not there."""


class OutOfMemory(QueueUnavailable):
    """Redis is at its ``maxmemory`` and refused to write; nothing of the call was done."""


class Server(server.Server):
    """The connections of the queue. Every call that fails raises ``QueueUnavailable``."""

    def _unavailable(self, error: RedisUnavailable) -> QueueUnavailable:
        return _in_our_words(error)


@asynccontextmanager
async def connected(access: RedisAccess) -> AsyncIterator[Server]:
    """Connections to the configured Redis, made on demand.

    Raises:
        QueueUnavailable: a certificate's file cannot be used.
    """
    try:
        async with server.connected(access, Server) as connection:
            yield connection
    except RedisUnavailable as error:
        raise _in_our_words(error) from None


def _in_our_words(error: RedisUnavailable) -> QueueUnavailable:
    match error:
        case RedisHasNoSuchGroup():
            return NoSuchGroup(str(error))
        case RedisOutOfMemory():
            return OutOfMemory(str(error))
        case _:
            return QueueUnavailable(str(error))
