"""Begins backfills where a segment is newly mapped, and tells their profiles, live records first.

| a backfill waits while | why |
|---|---|
| its destination does not export | nobody would send what it tells |
| no reader holds its group | likewise; and a former reader, with a former mapping, would pass over it |
| ``lag`` events wait for its destination | live changes come first |
| events wait in the outbox, or a batch of records in the intake | likewise; but records that never stop wait at times |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.queues.port import QueueUnavailable
from exporter.source.backfills.newly_mapped import Target, newly_mapped
from exporter.source.backfills.pace import Pace
from exporter.source.backfills.standings import Standing, standings
from exporter.source.backfills.surroundings import Bounds, Listeners, Moments, Positions
from exporter.source.processing.ahead import BATCH_RECORDS
from exporter.source.processing.telling import BATCH_EVENTS
from exporter.source.profiles.port import Backfill, ProfileStore, ProfilesUnavailable, Segment
from exporter.state.port import MappingTimes, StateUnavailable

#: How often backfills and, while there are any, the groups' positions are looked at; sooner where a lag holds one back.
LOOK_SECONDS = 1.0
_SOONER_SECONDS = 0.25
#: How many destinations' mappings are looked at in a second.
_MAPPINGS_A_SECOND = 50
#: How long room is waited for before it is looked at again.
_ROOM_SECONDS = 0.05
#: Live records that never stop coming hold back a step no longer than this.
_PATIENCE_SECONDS = 1.0
_CROWDED = "too many events wait for the destination"


@dataclass(slots=True)
class _Seen:
    """What was found at the last look, and what was told since, by destination."""

    at: float = float("-inf")
    mappings_at: float = float("-inf")
    backfills: dict[int, Backfill] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    fresh: list[tuple[Target, int, Sequence[Segment]]] = field(default_factory=list)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)


class Backfilling:
    """Begins and tells the backfills of a profile store. ``run`` does the work.

    Args:
        store: the profiles.
        queue: says where the destinations' groups stand.
        mappings: when segments were mapped.
        targets: the destinations that export, by the configuration in force.
        bounds: likewise, how fast.
        records: how many records wait to be applied.
        moments: see there.
        listeners: see there.
    """

    def __init__(
        self,
        store: ProfileStore,
        queue: Positions,
        mappings: MappingTimes,
        targets: Callable[[], Sequence[Target]],
        bounds: Callable[[], Bounds],
        records: Callable[[], int],
        moments: Moments,
        listeners: Listeners,
    ) -> None:
        self._store = store
        self._queue = queue
        self._mappings = mappings
        self._targets = targets
        self._bounds = bounds
        self._records = records
        self._moments = moments
        self._listeners = listeners
        self._seen = _Seen()
        self._pace = Pace()
        self._bugs: set[int] = set()
        self._last = 0
        self._stepped_at = float("-inf")
        self._hold: str | None = None
        #: How many events this process has put into the outbox.
        self.events = 0
        #: Why nothing can be looked at or told now; None where that works.
        self.failure: str | None = None

    @property
    def backfills(self) -> Sequence[Backfill]:
        """All backfills, the first first, as they are known here."""
        return list(self._seen.backfills.values())

    def waits(self, backfill: Backfill) -> str | None:
        """Why a backfill tells nothing now; None where it does, or is finished."""
        if backfill.finished:
            return None
        return self.failure or self._own_reason(backfill) or self._hold

    @property
    def progress(self) -> Mapping[str, tuple[int, int]]:
        """Profiles that are done and those of all backfills that there ever were, by destination."""
        found: dict[str, tuple[int, int]] = {}
        for each in self._seen.backfills.values():
            done, total = found.get(each.destination, (0, 0))
            found[each.destination] = (done + each.done, total + each.total)
        return found

    async def run(self) -> None:
        """Work until cancelled; what is away is tried again."""
        failures = 0
        while True:
            try:
                await self.turn()
                failures, self.failure = 0, None
            except (ProfilesUnavailable, QueueUnavailable, StateUnavailable) as error:
                self.failure = str(error)
                await self._moments.sleep(self._moments.delay(failures))
                failures += 1

    async def turn(self) -> None:
        """Look where that is due, or tell some profiles of one backfill; where neither is to be done, wait a little.

        Raises:
            ProfilesUnavailable, QueueUnavailable or StateUnavailable: what is away; nothing was told.
        """
        now = self._moments.monotonic()
        unfinished = [each for each in self._seen.backfills.values() if not each.finished]
        ready = [each for each in unfinished if self._own_reason(each) is None]
        crowded = any(self._own_reason(each) == _CROWDED for each in unfinished)
        due = self._seen.at + (_SOONER_SECONDS if crowded else LOOK_SECONDS)
        if now >= due:
            await self._look(now)
        elif not ready:
            await self._moments.sleep(due - now)
        elif (limit := self._pace.room(self._bounds().rate, now)) == 0:
            await self._moments.sleep(min(self._pace.wait(self._bounds().rate), due - now))
        elif (hold := await self._held(now)) is not None:
            self._hold = hold
            await self._moments.sleep(_ROOM_SECONDS)
        else:
            self._hold = None
            await self._step(_after(self._last, ready), limit)

    # -- looking

    async def _look(self, now: float) -> None:
        """Find what is newly mapped and what was asked for by command; begin what can begin."""
        seen = _Seen(now, self._seen.mappings_at)
        seen.backfills = {each.number: each for each in await self._store.backfills()}
        seen.targets = {each.name: each for each in self._targets()}
        if now >= seen.mappings_at + max(LOOK_SECONDS, len(seen.targets) / _MAPPINGS_A_SECOND):
            seen.mappings_at = now
            await self._find_fresh(seen)
        else:
            seen.fresh = self._seen.fresh
        if seen.fresh or any(not each.finished for each in seen.backfills.values()):
            # After the mappings: whoever reads a group now was opened with what was mapped before.
            seen.standings = standings(await self._queue.positions())
        for target, mapped, segments in tuple(seen.fresh):
            if seen.standings.get(target.group, Standing()).read:
                seen.fresh.remove((target, mapped, segments))
                begun = await self._store.begin_backfill(target.name, segments, mapped)
                if begun is not None:
                    seen.backfills[begun.number] = begun
                    self._listeners.begun(begun)
        self._seen = seen

    async def _find_fresh(self, seen: _Seen) -> None:
        begun: dict[str, set[tuple[int, Segment]]] = {}
        for backfill in seen.backfills.values():
            mine = begun.setdefault(backfill.destination, set())
            mine |= {(backfill.mapped, segment) for segment in backfill.segments}
        for target in seen.targets.values():
            known = await self._mappings.known(target.name)
            found = newly_mapped(known, begun.get(target.name, ()), target.start)
            seen.fresh += [(target, mapped, segments) for mapped, segments in found.items()]

    # -- telling

    def _own_reason(self, backfill: Backfill) -> str | None:
        target = self._seen.targets.get(backfill.destination)
        if backfill.number in self._bugs:
            return "an error of the exporter's own; the log has it"
        if target is None:
            return "its destination is not configured, or switched off"
        if not self._seen.standings.get(target.group, Standing()).read:
            return "nobody reads the destination's group"
        if self._allowed(target) <= 0:
            return _CROWDED
        return None

    def _allowed(self, target: Target) -> int:
        """How many more events may wait for a destination, as far as is known."""
        standing = self._seen.standings.get(target.group, Standing())
        return self._bounds().lag - standing.lag - self._seen.told[target.name]

    async def _held(self, now: float) -> str | None:
        """Why no backfill may tell anything now."""
        counts = await self._store.counts()
        if counts.outbox_events > BATCH_EVENTS or counts.outbox_bytes > self._bounds().outbox_max // 2:
            return "events wait to be told"
        if self._records() > BATCH_RECORDS and now < self._stepped_at + _PATIENCE_SECONDS:
            return "records wait to be applied"
        return None

    async def _step(self, before: Backfill, limit: int) -> None:
        """Tell the next profiles of a backfill."""
        bounds = self._bounds()
        limit = min(limit, self._allowed(self._seen.targets[before.destination]))
        at = int(self._moments.epoch() * 1000)
        self._last = before.number
        try:
            after = await self._store.backfill(before.number, limit, at, bounds.max_event_bytes)
        except ProfilesUnavailable:
            raise
        except Exception as error:
            self._bugs.add(before.number)
            self._listeners.bug(error)
            return
        done = after.done - before.done
        events = done - (after.skipped - before.skipped)
        self._stepped_at = self._moments.monotonic()
        self._pace.told(done)
        self._seen.backfills[after.number] = after
        self._seen.told[after.destination] += events
        self.events += events
        if events:
            self._listeners.told()
        if after.finished:
            self._listeners.finished(after)


def _after(last: int, ready: Sequence[Backfill]) -> Backfill:
    """The one whose turn it is after ``last``: so no backfill waits for the end of another."""
    return next((each for each in ready if each.number > last), ready[0])
