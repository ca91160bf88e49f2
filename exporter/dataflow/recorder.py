"""Writes dead letters, marks and ends of replays, in order, and says when each is durable."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from exporter.dataflow.dependencies import Dependencies
from exporter.dataflow.stops import Stops
from exporter.outbox.verdict import PauseReason
from exporter.state.letter import Full, NewLetter, Stored, Unavailable
from exporter.tasks.hurry import Hurry

BATCH = 200

Done = Callable[[], None]


@dataclass(frozen=True, slots=True)
class StoreLetter:
    """Store a dead letter."""

    letter: NewLetter
    done: Done


@dataclass(frozen=True, slots=True)
class SupersedeLetters:
    """A profile was delivered: earlier dead letters of the profile are superseded."""

    profile_id: str
    lane: str
    position: int
    done: Done


@dataclass(frozen=True, slots=True)
class UpdateLetter:
    """A replayed dead letter failed again."""

    letter_id: int
    letter: NewLetter
    done: Done


@dataclass(frozen=True, slots=True)
class RemoveLetter:
    """A replayed dead letter was delivered, or the mapping excludes it by now."""

    letter_id: int
    done: Done
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Barrier:
    """Writes nothing; ``done`` says that all earlier jobs are written."""

    done: Done


Job = StoreLetter | SupersedeLetters | UpdateLetter | RemoveLetter | Barrier


class Recorder:
    """A dataflow's writer to the store of dead letters.

    A failing store stops the outbox with ``state`` or ``dead_letters_full`` and is tried again until the jobs are
    written; nothing is acknowledged before. ``recorded`` is called when such a stop begins and ends. ``hurry`` cuts the
    waits between tries short.
    """

    def __init__(self, dependencies: Dependencies, recorded: Callable[[], None], hurry: Hurry) -> None:
        self._dependencies = dependencies
        self._stops = Stops(dependencies, "recorder", recorded)
        self._recorded = recorded
        self._hurry = hurry
        self._jobs: deque[Job] = deque()
        self._arrived = asyncio.Event()
        self._profiles: Counter[str] = Counter()

    @property
    def idle(self) -> bool:
        """Whether everything is written."""
        return not self._jobs

    @property
    def stuck(self) -> bool:
        """Whether the outbox is stopped because a store refuses to write."""
        return not self._dependencies.outbox.stops.isdisjoint({"state", "dead_letters_full"})

    def concerns(self, profile_id: str) -> bool:
        """Whether the profile may have a dead letter that a delivery supersedes."""
        return profile_id in self._profiles or self._dependencies.letters.concerns(profile_id)

    def write(self, job: Job) -> None:
        """Take a job; ``done`` is called when the job is durable."""
        if isinstance(job, StoreLetter | UpdateLetter) and job.letter.profile_id is not None:
            self._profiles[job.letter.profile_id] += 1
        self._jobs.append(job)
        self._arrived.set()

    def let_go(self) -> None:
        """Drop jobs that were not written by the end: the events are still on the queue."""
        self._jobs.clear()

    async def written(self) -> None:
        """Return when all that was taken so far is durable."""
        if self._jobs:
            reached = asyncio.Event()
            self.write(Barrier(reached.set))
            await reached.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._arrived.wait()
            while self._jobs:
                for _ in range(await self._until_stored()):
                    self._written(self._jobs.popleft())
            self._arrived.clear()

    def _written(self, job: Job) -> None:
        if isinstance(job, StoreLetter | UpdateLetter) and job.letter.profile_id is not None:
            self._profiles[job.letter.profile_id] -= 1
            if not self._profiles[job.letter.profile_id]:
                del self._profiles[job.letter.profile_id]
        job.done()

    async def _until_stored(self) -> int:
        """Store waiting jobs, or the first alone; return how many jobs were stored."""
        dependencies = self._dependencies
        tries = 0
        most = BATCH
        while True:
            batch = list(islice(self._jobs, most))
            match await self._store(batch):
                case Stored():
                    self._stops.go("state")
                    self._stops.go("dead_letters_full")
                    return len(batch)
                case Full() if len(batch) > 1:
                    # Together the letters may be larger than all the room; a single letter is not.
                    most = 1
                    continue
                case Full():
                    self._stopped("dead_letters_full", "the dead letters have reached dead_letters_max_bytes")
                case Unavailable(detail):
                    self._stopped("state", detail)
            await self._hurry.sleep(dependencies.wait_delay(tries))
            tries += 1

    async def _store(self, batch: list[Job]) -> Stored | Full | Unavailable:
        letters = [job.letter for job in batch if isinstance(job, StoreLetter)]
        marks = [(job.profile_id, job.lane, job.position) for job in batch if isinstance(job, SupersedeLetters)]
        if letters or marks:
            result = await self._dependencies.letters.put(letters, marks)
            if not isinstance(result, Stored):
                return result
        for job in batch:
            match job:
                case RemoveLetter(letter_id, excluded=True):
                    result = await self._dependencies.letters.excluded(letter_id)
                case RemoveLetter(letter_id):
                    result = await self._dependencies.letters.delivered(letter_id)
                case UpdateLetter(letter_id, letter):
                    result = await self._dependencies.letters.failed(letter_id, letter)
                case _:
                    continue
            if not isinstance(result, Stored):
                return result
        return Stored()

    def _stopped(self, reason: PauseReason, detail: str) -> None:
        if self._stops.stop(reason, detail):
            self._recorded()
