"""The kinds of queue that the configuration may name: a new kind is a member of the union and a case of ``open_queue``.

A kind's client library is imported when a queue of that kind is opened, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from pydantic import Field

from exporter.queues.advice import Inspection
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.memory import MemorySettings, open_memory
from exporter.queues.port import Queue
from exporter.queues.redis_streams.settings import RedisSettings

QueueSettings = Annotated[
    JournalSettings | KafkaSettings | MemorySettings | NatsSettings | RedisSettings, Field(discriminator="kind")
]


def open_queue(
    section: QueueSettings, groups: Collection[str], warn: Callable[[str], None], badge: str = ""
) -> AbstractAsyncContextManager[Queue]:
    """Open the queue that the section ``queue`` of a configuration names.

    Args:
        section: the settings of one kind.
        groups: the groups that the configuration names, now and later: what they have not read is kept, with or
            without a reader. The collection is looked at anew each time, so the caller may change it.
        warn: gets sentences for people.
        badge: the text that ``Queue.badges`` shows of this process.

    Raises:
        DatabaseRefused: the journal's file cannot be used.
        DatabaseUnavailable: the journal's file cannot be opened now.
        QueueUnavailable: no server can be reached, or every server refuses.
    """
    match section:
        case JournalSettings():
            from exporter.queues.journal.queue import open_journal

            return open_journal(
                section.path,
                max_bytes=int(section.max_bytes),
                retain_seconds=section.retain,
                groups=groups,
                warn=warn,
                badge=badge,
            )
        case KafkaSettings():
            from exporter.queues.kafka.queue import open_kafka

            return open_kafka(section, groups, warn, badge)
        case MemorySettings():
            return open_memory(max_bytes=int(section.max_bytes), groups=groups, warn=warn)
        case NatsSettings():
            from exporter.queues.jetstream.queue import open_jetstream

            return open_jetstream(section, warn, badge)
        case RedisSettings():
            from exporter.queues.redis_streams.queue import open_redis

            return open_redis(section, groups=groups, warn=warn, badge=badge)


def look_at_queue(
    section: QueueSettings, groups: Collection[str], warn: Callable[[str], None]
) -> AbstractAsyncContextManager[Queue | Inspection]:
    """As ``open_queue``, but a kind that makes missing parts on opening is only looked at."""
    if isinstance(section, NatsSettings):
        from exporter.queues.jetstream.check import look_at

        return look_at(section)
    return open_queue(section, groups, warn)
