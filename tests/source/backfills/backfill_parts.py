"""What backfills work with: a real store and a real state, and a clock and positions that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from exporter.queues.port import Position, QueueUnavailable
from exporter.source.backfills.backfilling import Backfilling
from exporter.source.backfills.newly_mapped import Target
from exporter.source.backfills.surroundings import Bounds, Listeners, Moments
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.port import Backfill, ProfileStore
from exporter.source.profiles.sqlite.store import open_sqlite
from exporter.source.records import Identity, Membership, Operation, Record
from exporter.state.port import MappingTimes
from exporter.state.sqlite.opening import open_sqlite as open_state

NOON = 1_700_000_000_000
ROOM = 1 << 20


def entered(who: int, n: int, *segments: str, status: str = "realized") -> Record:
    """A record that sets a profile's ``n``, and where it stands to segments."""
    identity = Identity("e", str(who))
    memberships = tuple(Membership("ups", each, status, NOON + n, {"status": status}) for each in segments)
    return Record(
        xaction_id=f"{NOON + n}:1:{n}",
        taken=NOON + n,
        dataset="crm",
        primary=identity,
        identities=(identity,),
        links=True,
        operation=Operation.CREATE,
        entity={"n": n},
        memberships=memberships,
        time_series=False,
    )


@dataclass
class Parts:
    """The parts, and what the test says of the world around them; sleeping moves the clock."""

    store: ProfileStore
    mappings: MappingTimes
    targets: list[Target] = field(default_factory=lambda: [Target("crm", "g.crm", "earliest")])
    read: set[str] = field(default_factory=lambda: {"g.crm"})
    lag: int = 0
    rate: float = 10.0
    most_lag: int = 1000
    outbox_max: int = 10**9
    records: int = 0
    now: float = 100.0
    away: bool = False
    heard: list[Any] = field(default_factory=list)

    async def positions(self) -> Sequence[Position]:
        if self.away:
            raise QueueUnavailable("gone fishing")
        lanes = [("0", self.lag), ("1", None)]
        return [
            Position(each.group, lane, 0, 0, lag, each.group in self.read and lane == "0", None, None)
            for each in self.targets
            for lane, lag in lanes
        ]

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def backfilling(self) -> Backfilling:
        def finished(each: Backfill) -> None:
            self.heard.append(("finished", each.number))

        def begun(each: Backfill) -> None:
            self.heard.append(("begun", each.number))

        return Backfilling(
            self.store,
            self,
            self.mappings,
            lambda: self.targets,
            lambda: Bounds(self.rate, self.most_lag, ROOM, self.outbox_max),
            lambda: self.records,
            Moments(lambda: self.now, lambda: NOON / 1000, lambda _: 0.5, self.sleep),
            Listeners(begun, finished, lambda: None, self.heard.append),
        )

    async def map(self, *segments: str, at: int = NOON, destination: str = "crm") -> None:
        """As ``run`` does when it opens a dataflow."""
        await self.mappings.first_seen(destination, [("ups", each) for each in segments], at)

    async def apply(self, *records: Record) -> None:
        await self.store.apply(records, ROOM)

    async def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(each.body) for each in await self.store.told(0, 10_000, 1 << 30)]

    async def backfilled(self) -> list[int]:
        """The profiles that were told by backfills, in order."""
        return [int(_id(each)) for each in await self.events() if each["changes"]["backfill"]]


def _id(event: dict[str, Any]) -> str:
    [identity] = event["profile"]["identityMap"]["e"]
    found: str = identity["id"]
    return found


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Parts]:
    async with (
        open_sqlite(folder / "profiles.db", Rules()) as store,
        open_state(folder / "state.db") as state,
    ):
        yield Parts(store, state.mapping_times)


async def turns(backfilling: Backfilling, number: int = 50) -> None:
    for _ in range(number):
        await backfilling.turn()
