"""The section ``state`` of the configuration for kind ``redis``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from exporter.redis_server.access import RedisAccess

if TYPE_CHECKING:
    from exporter.state.port import Segment, State


class RedisStateSettings(RedisAccess):
    """Dead letters and mapping times on a Redis, 7.0 or newer, or on Valkey: for exporters on several machines."""

    kind: Literal["redis"]
    key_prefix: str = Field(
        "exporter:", min_length=1, description="Stands before every key. Exporters share their state if it is the same."
    )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[State]:
        """Connect.

        Raises:
            StateUnavailable: Redis cannot be used now.
        """
        from exporter.state.redis.opened import open_redis_state

        async with open_redis_state(self) as state:
            yield state

    def exists(self) -> bool:
        """A server can only be asked."""
        return True

    def known_mapping_times(self, destination: str) -> Mapping[Segment, tuple[int, int]]:
        """(created, updated) in epoch milliseconds of each mapping that a daemon noted; none where Redis cannot tell.

        For commands: not to be called while an event loop runs.
        """
        from exporter.state.redis.opened import look_up_mapping_times

        return look_up_mapping_times(self, destination)
