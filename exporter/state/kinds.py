"""The kinds of store that keep dead letters and mapping times; a new kind is one more member of the union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite import SqliteSettings

StateSettings = Annotated[RedisStateSettings | SqliteSettings, Field(discriminator="kind")]

__all__ = ["RedisStateSettings", "SqliteSettings", "StateSettings"]
