"""Whether we may read: tried with requests that come to nothing, since brokers speak of rights only where they lack.

Which operation is missing is known from what was asked: brokers do not say it.
"""

from __future__ import annotations

import aiokafka.errors as errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest

from exporter.queues.kafka.failures import NoRight

_READ_UNCOMMITTED = 0
_NOTHING = 1  # byte: no record fits
_LACKING = {errors.TopicAuthorizationFailedError: "topic", errors.GroupAuthorizationFailedError: "group"}
_SETTLING = (errors.NotCoordinatorForGroupError, errors.GroupLoadInProgressError, errors.NotLeaderForPartitionError)


async def may_fetch(admin: AIOKafkaAdminClient, topic: str, partition: int, leader: int) -> None:
    """Return if records of the topic may be read (Read). Raises what the client raises."""
    wanted = [(topic, [(partition, 0, _NOTHING)])]
    answer = await admin._send_request(FetchRequest(0, 0, _NOTHING, _READ_UNCOMMITTED, wanted), leader)
    _raise(answer.topics[0][1][0][1])


async def may_take_part(admin: AIOKafkaAdminClient, group: str) -> None:
    """Return if we may be a member of the group and commit (Read). Raises as ``may_fetch``."""
    node = await admin.find_coordinator(group)
    # A sign of life of a member that there is not.
    answer = await admin._send_request(HeartbeatRequest(group, -1, "nobody"), node)
    _raise(answer.error_code)


def _raise(code: int) -> None:
    """Any other refusal comes after the rights were looked at."""
    error = errors.for_code(code)
    if error in _LACKING:
        raise NoRight("Read", _LACKING[error])
    if error in _SETTLING:
        raise error
