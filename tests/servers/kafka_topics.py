"""What tests on a real Kafka share: a topic of their own, the settings that read it, tokens that the broker takes."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from itertools import count

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka_broker import Broker

from exporter.queues.kafka.settings import KafkaSettings

_KNOWN_SECONDS = 30.0
_topics = count()


async def make_topic(broker: Broker, partitions: int = 3, **configs: str) -> str:
    """A topic that nobody used before, once the broker knows it: the controller answers before that."""
    name = f"topic-{next(_topics)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
        async with asyncio.timeout(_KNOWN_SECONDS):
            while not await is_led(admin, name):  # noqa: ASYNC110 - only asking again shows it
                await asyncio.sleep(0.02)
    finally:
        await admin.close()
    return name


async def is_led(admin: AIOKafkaAdminClient, name: str) -> bool:
    [topic] = await admin.describe_topics([name])
    return topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"])


def settings(broker: Broker, topic: str, **more: object) -> KafkaSettings:
    """Settings that read a topic; ``more`` wins."""
    values = {"kind": "kafka", "bootstrap_servers": broker.address, "topic": topic, "group_prefix": "", **more}
    return KafkaSettings.model_validate(values)


def unsigned_token(subject: str, seconds: float = 3600.0) -> str:
    """What a broker takes that was told of no authority; it expires in so many seconds, or so many seconds ago."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": subject, "iat": now - 600, "exp": now + seconds})
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
