"""The kinds of queue that the configuration may name; a new kind is one more member of the union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.queues.journal.settings import JournalSettings
from exporter.queues.memory import MemorySettings

QueueSettings = Annotated[JournalSettings | MemorySettings, Field(discriminator="kind")]

__all__ = ["JournalSettings", "MemorySettings", "QueueSettings"]
