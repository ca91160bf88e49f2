"""Makes the queue's errors of a Redis server's failures, which ``exporter.redis_server.failures`` words."""

from __future__ import annotations

from exporter.queues.port import QueueUnavailable
from exporter.redis_server.failures import RedisHasNoSuchGroup, RedisOutOfMemory, RedisUnavailable


class NoSuchGroup(QueueUnavailable):
    """The stream, or the group on it, is not there."""


class OutOfMemory(QueueUnavailable):
    """Redis is at its ``maxmemory`` and refused to write; nothing of the call was done."""


def unavailable(error: RedisUnavailable) -> QueueUnavailable:
    """The failure as the queue's, in the same words."""
    match error:
        case RedisHasNoSuchGroup():
            return NoSuchGroup(str(error))
        case RedisOutOfMemory():
            return OutOfMemory(str(error))
        case _:
            return QueueUnavailable(str(error))
