"""The kinds of queue that the configuration may name; a new kind is one more member of the union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.memory import MemorySettings
from exporter.queues.redis_streams.settings import RedisSettings

QueueSettings = Annotated[
    JournalSettings | KafkaSettings | MemorySettings | NatsSettings | RedisSettings, Field(discriminator="kind")
]

__all__ = ["JournalSettings", "KafkaSettings", "MemorySettings", "NatsSettings", "QueueSettings", "RedisSettings"]
