"""Whether this user may read: tried with requests without effect, since brokers name a right only where one lacks.

The request tells which operation is missing: brokers do not.
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
    """Return if records of the topic may be read (Read).

    Raises:
        NoRight: Read is missing.
        CLIENT_ERRORS: no answer, or the cluster is settling.
    """
    wanted = [(topic, [(partition, 0, _NOTHING)])]
    answer = await admin._send_request(FetchRequest(0, 0, _NOTHING, _READ_UNCOMMITTED, wanted), leader)
    _raise(answer.topics[0][1][0][1])


async def may_take_part(admin: AIOKafkaAdminClient, group: str) -> None:
    """Return if this user may be a member of the group and commit (Read). Raises as ``may_fetch``."""
    node = await admin.find_coordinator(group)
    # A heartbeat of a member that does not exist.
    answer = await admin._send_request(HeartbeatRequest(group, -1, "nobody"), node)
    _raise(answer.error_code)


def _raise(code: int) -> None:
    """Raise for a missing right, or while the cluster is settling; other refusals come after the check of rights."""
    error = errors.for_code(code)
    if error in _LACKING:
        raise NoRight("Read", _LACKING[error])
    if error in _SETTLING:
        raise error
