"""Where in the topic a subscription reads: beginning in new lanes, and going on where the topic has changed."""

from __future__ import annotations

from collections.abc import Callable

from exporter.queues.kafka.cluster.cluster import Cluster
from exporter.queues.kafka.fetch.high_watermarks import HighWatermarks
from exporter.queues.kafka.fetch.lanes import Lanes
from exporter.queues.kafka.fetch.offset_reset import deleted, start_positions
from exporter.queues.kafka.lease.membership import Membership


class StartPositions:
    """Places the lanes of a group. ``warn`` hears of missed events and of other news for people."""

    def __init__(
        self, group: str, cluster: Cluster, high_watermarks: HighWatermarks, lanes: Lanes, warn: Callable[[str], None]
    ) -> None:
        self._group = group
        self._cluster = cluster
        self._high_watermarks = high_watermarks
        self._lanes = lanes
        self._warn = warn

    async def adopt(self, membership: Membership) -> bool:
        """Begin to read newly assigned lanes after the committed positions; False: to be called again at once.

        Raises:
            QueueUnavailable: the topic cannot be looked at now.
            CLIENT_ERRORS: the commits cannot be read.
        """
        wanted = self._lanes.wanted
        if not wanted or membership.rebalancing:
            return True
        # The incarnation is read first: if a new topic takes the place afterwards, the next look finds out; the other
        # way round the old topic's positions would be taken for the new topic's.
        incarnation = (await self._cluster.seen()).incarnation
        committed = await membership.committed(wanted)
        ends = await self._cluster.ends(wanted)
        if wanted != self._lanes.wanted or membership.rebalancing:
            return False
        if not (wanted <= ends.first.keys() and wanted <= ends.next.keys()):
            # A partition's leader has just changed, or records are just being deleted: the next look asks again.
            return True
        places = start_positions(wanted, committed, ends, incarnation, self._group, self._warn)
        for number, place in places.items():
            self._high_watermarks.reaches(number, ends.next[number])
            membership.seek(number, place.settled_to + 1)
            self._lanes.adopt(number, incarnation, place)
        return True

    async def go_on(self, membership: Membership) -> bool:
        """Read stuck lanes on after events that were deleted before being read. Returns and raises as ``adopt``."""
        stuck = self._lanes.stuck()
        if not stuck or membership.rebalancing:
            return True
        incarnation = (await self._cluster.seen()).incarnation
        ends = await self._cluster.ends([lane.number for lane in stuck])
        if membership.rebalancing:
            return False
        for lane in self._lanes.stuck():
            number, position = lane.number, lane.stuck
            if lane not in stuck or position is None or not (number in ends.first and number in ends.next):
                continue
            if lane.incarnation != incarnation or position > ends.next[number]:
                self._lanes.end(lane)
                continue
            missed = self._lanes.go_on(lane, ends.first[number])
            if missed:
                self._warn(deleted(self._group, number, missed))
            membership.seek(number, max(position, ends.first[number]))
        return True
