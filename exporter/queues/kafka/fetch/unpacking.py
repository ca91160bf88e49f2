"""Whether records can be read here: other programs compress with codecs whose libraries may be missing."""

from __future__ import annotations

from collections import deque

import aiokafka.errors as errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from exporter.queues.kafka.failures import unreadable

_READ_UNCOMMITTED = 0
_LEAST = 1  # byte: brokers give the first batch whole, however large
_WAIT_MS = 0


async def can_unpack(admin: AIOKafkaAdminClient, topic: str, partition: int, leader: int, offset: int) -> None:
    """Return if the batch of records in which ``offset`` stands can be unpacked, or is gone meanwhile.

    Raises:
        Unreadable: the batch cannot be unpacked here.
        CLIENT_ERRORS: the batch cannot be fetched.
    """
    wanted = [(topic, [(partition, offset, _LEAST)])]
    answer = await admin._send_request(FetchRequest(_WAIT_MS, _LEAST, _LEAST, _READ_UNCOMMITTED, wanted), leader)
    [(_, [found])] = answer.topics
    error = errors.for_code(found[1])
    if error is errors.OffsetOutOfRangeError:
        return
    if error is not errors.NoError:
        raise error
    records = MemoryRecords(bytes(found[-1] or b""))
    try:
        if records.has_next():
            deque(records.next_batch(), maxlen=0)
    except Exception as problem:
        raise unreadable(problem) from problem
