"""The section ``queue`` of the configuration for kind ``redis``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from exporter.redis_server.access import RedisAccess


class RedisSettings(RedisAccess):
    """A Redis stream, on Redis 7.0 or newer or on Valkey."""

    kind: Literal["redis"]
    stream: str = Field("profile-changes", min_length=1, description="The stream's key.")
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")
