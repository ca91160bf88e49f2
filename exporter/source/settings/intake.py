"""The section ``intake``: the queue in which records stand from their answer on until they are applied."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from exporter.queues.jetstream.settings import NatsSettings, StreamName
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.memory import MemorySettings
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.sections.paths import DatabasePath

_NAME = "exporter-intake"


class JournalIntake(JournalSettings):
    """The intake in a local file, never the product's queue."""

    path: DatabasePath = Field(Path("../data/intake.db"), description="The intake's file; its folder is created.")


class KafkaIntake(KafkaSettings):
    """The intake as a topic."""

    topic: str = Field(_NAME, min_length=1, description="The topic to publish to and to read; never the product's.")


class NatsIntake(NatsSettings):
    """The intake as a stream of JetStream."""

    stream: StreamName = Field(_NAME, description="The stream to publish to and to read; never the product's.")


class RedisIntake(RedisSettings):
    """The intake as a stream of Redis."""

    stream: str = Field(_NAME, min_length=1, description="The stream's key; never the product's.")


IntakeSettings = Annotated[
    JournalIntake | KafkaIntake | MemorySettings | NatsIntake | RedisIntake, Field(discriminator="kind")
]
