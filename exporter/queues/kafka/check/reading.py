"""Whether reading works, tried with requests without effect: this user's rights, and the codecs of other programs.

Brokers name a right only where one lacks, and do not tell which operation is missing: the request tells that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import aiokafka.errors as errors
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.record.memory_records import MemoryRecords

from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.failures import NoRight, unreadable

_WAIT_MS = 0
_READ_UNCOMMITTED = 0
_MOST_BYTES = 1  # no record fits, but brokers that give anything give the first batch whole, however large
_LACKING = {errors.TopicAuthorizationFailedError: "topic", errors.GroupAuthorizationFailedError: "group"}
_SETTLING = (errors.NotCoordinatorForGroupError, errors.GroupLoadInProgressError, errors.NotLeaderForPartitionError)


async def may_read(cluster: Cluster, groups: Sequence[str]) -> None:
    """Return if this user may read the topic and take part in each of ``groups`` (Read).

    Raises:
        QueueUnavailable: a right is missing, or as ``Cluster.asked``.
    """
    partition, leader = min((await cluster.seen()).leaders.items())

    async def fetch() -> None:
        found = await _fetched(cluster, partition, leader, offset=0, least_bytes=0)
        _raise(found[1])

    await cluster.asked(f"topic {cluster.topic}", fetch)
    for group in groups:
        await cluster.asked(f"group {group}", partial(_may_take_part, cluster, group))


async def can_unpack(cluster: Cluster) -> None:
    """Return if the first and the last records of each partition can be unpacked here.

    Raises:
        QueueUnavailable: records cannot be unpacked, since a codec's library is missing; or as ``Cluster.asked``.
    """
    leaders = (await cluster.seen()).leaders
    ends = await cluster.ends(leaders)
    for partition, leader in leaders.items():
        first, following = ends.first.get(partition, 0), ends.next.get(partition, 0)
        for offset in {first, following - 1} if first < following else ():
            await cluster.asked(
                f"topic {cluster.topic}, partition {partition}",
                partial(_can_unpack, cluster, partition, leader, offset),
            )


async def _may_take_part(cluster: Cluster, group: str) -> None:
    """Return if this user may be a member of the group and commit.

    Raises:
        NoRight: Read is missing.
        CLIENT_ERRORS: no answer, or the cluster is settling.
    """
    node = await cluster.admin.find_coordinator(group)
    # A heartbeat of a member that does not exist.
    answer = await cluster.admin._send_request(HeartbeatRequest(group, -1, "nobody"), node)
    _raise(answer.error_code)


async def _can_unpack(cluster: Cluster, partition: int, leader: int, offset: int) -> None:
    """Return if the batch of records in which ``offset`` stands can be unpacked, or is gone meanwhile.

    Raises:
        Unreadable: the batch cannot be unpacked here.
        CLIENT_ERRORS: the batch cannot be fetched.
    """
    found = await _fetched(cluster, partition, leader, offset, least_bytes=1)
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


async def _fetched(cluster: Cluster, partition: int, leader: int, offset: int, least_bytes: int) -> Any:
    """The leader's answer about the partition: its number, the error's code, …, the records."""
    wanted = [(cluster.topic, [(partition, offset, _MOST_BYTES)])]
    request = FetchRequest(_WAIT_MS, least_bytes, _MOST_BYTES, _READ_UNCOMMITTED, wanted)
    [(_, [found])] = (await cluster.admin._send_request(request, leader)).topics
    return found


def _raise(code: int) -> None:
    """Raise for a missing right, or while the cluster is settling; other refusals come after the check of rights."""
    error = errors.for_code(code)
    if error in _LACKING:
        raise NoRight("Read", _LACKING[error])
    if error in _SETTLING:
        raise error
