"""The section ``queue`` of the configuration for kind ``redis``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Literal

from pydantic import Field

from exporter.queues.port import Queue
from exporter.redis_server.access import RedisAccess


class RedisSettings(RedisAccess):
    """A Redis stream, on Redis 7.0 or newer or on Valkey."""

    kind: Literal["redis"]
    stream: str = Field("profile-changes", min_length=1, description="The stream's key.")
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")

    def open(
        self, groups: Collection[str], warn: Callable[[str], None], badge: str = ""
    ) -> AbstractAsyncContextManager[Queue]:
        """Connect; ``groups`` are those that the configuration names, now and later; ``warn`` gets what people should
        know; ``badge`` is what others see of who reads.

        Raises:
            QueueUnavailable: Redis cannot be used now.
        """
        from exporter.queues.redis_streams.queue import open_redis

        return open_redis(self, groups=groups, warn=warn, badge=badge)
