"""Describing a topic: the leaders of the partitions, and the topic's id, which tells a topic made anew from the old.

The client has no version of the metadata request whose answer holds the id (KIP-516, brokers from 2.8), so this file
defines that version. Unlike the client's own request, this request never makes brokers create the topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import aiokafka.errors as errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v4
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from exporter.queues.kafka.cluster.topic_ids import UNKNOWN, incarnation_of
from exporter.queues.kafka.failures import NoRight

_NO_ID = bytes(16)


class TopicSeen(NamedTuple):
    """A topic as described by a broker.

    ``incarnation`` tells topics of the same name apart, see ``topic_ids``; ``leaders`` holds the broker that leads each
    partition, below 0 where none does; ``replicas`` is the fewest of any partition.
    """

    incarnation: str
    leaders: Mapping[int, int]
    replicas: int


async def describe(admin: AIOKafkaAdminClient, topic: str) -> TopicSeen:
    """The description of ``topic`` by one of the brokers.

    Raises:
        NoRight: this user may not describe the topic.
        CLIENT_ERRORS: there is no such topic, or no answer.
    """
    answer = await admin._send_request(_Describe(topic))
    [seen] = answer.to_object()["topics"]
    error = errors.for_code(seen["error_code"])
    if error is errors.TopicAuthorizationFailedError:
        raise NoRight("Describe", "topic")
    if error is not errors.NoError:
        raise error
    parts = seen["partitions"]
    return TopicSeen(
        incarnation_of(seen["topic_id"]) if seen.get("topic_id", _NO_ID) != _NO_ID else UNKNOWN,
        {part["partition"]: part["leader"] for part in parts},
        min(len(part["replicas"]) for part in parts),
    )


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


_TEXT = CompactString("utf-8")


class _Answer_v11(Response):  # type: ignore[misc]  # noqa: N801 (named as the client's are)
    API_KEY = 3
    API_VERSION = 11
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Request_v11(RequestStruct):  # type: ignore[misc]  # noqa: N801
    API_KEY = 3
    API_VERSION = 11
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer_v11
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Describe(Request[MetadataRequest_v4 | _Request_v11]):  # type: ignore[misc]
    """The metadata request: version 11 where the broker knows that, else version 4."""

    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[Any]) -> Any:
        if request_struct_class is _Request_v11:
            return _Request_v11([(_NO_ID, self._topic, {})], False, False, {})
        return MetadataRequest_v4([self._topic], False)
