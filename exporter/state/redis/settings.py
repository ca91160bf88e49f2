"""The section ``state`` of the configuration for kind ``redis``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from exporter.redis_server.access import RedisAccess


class RedisStateSettings(RedisAccess):
    """Dead letters and mapping times on a Redis, 7.0 or newer, or on Valkey: for exporters on several machines."""

    kind: Literal["redis"]
    key_prefix: str = Field(
        "exporter:", min_length=1, description="Stands before every key. Exporters share their state if it is the same."
    )

    def exists(self) -> bool:
        """Always True: only the server could tell."""
        return True
