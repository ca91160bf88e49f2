"""What the serving process is put together from: stores and queues, opened; ids and catalogue, made ready."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

from tenacity import AsyncRetrying

from exporter.daemon.serving.marks import mismatch
from exporter.daemon.serving.refusals import StoresDoNotFit
from exporter.daemon.startup import open_checked_state
from exporter.database import DatabaseUnavailable
from exporter.queues.kinds import open_queue
from exporter.queues.port import Queue, QueueUnavailable, Subscription
from exporter.sections.schedules import until_reachable
from exporter.settings.declared import compiled_catalogue
from exporter.settings.tree import Settings
from exporter.settings.whereabouts import not_yet_made
from exporter.source.collection.plane import Plane
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.planes import Ids, doubled, ids_of, wanted
from exporter.source.processing.processor import TAKEN
from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.port import Counts, ProfileStore, ProfilesUnavailable
from exporter.source.settings.declared import SourceSettings
from exporter.state.kinds import State
from exporter.state.port import StateUnavailable
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.logs import Log

#: The one group of the intake: whoever reads it applies the records.
GROUP = "exporter.source"
#: The sections whose files may have to be made.
_PARTS = ("state", "queue", "intake", "profiles")


@dataclass(frozen=True, slots=True)
class Opened:
    """All of it, open, and what was found there.

    ``last_taken``: epoch milliseconds of the last record that is known to have been taken. ``counts``: of the store.
    ``groups``: those of the product's queue, kept up to date. ``max_event_bytes``: the configured bound, or what the
    queue took at the start where that is less.
    """

    state: State
    intake: Queue
    subscription: Subscription
    queue: Queue
    store: ProfileStore
    ids: Ids
    last_taken: int
    counts: Counts
    groups: set[str]
    max_event_bytes: int


@dataclass(slots=True)
class InForce:
    """The configuration by which records are taken and applied; put in its place whole."""

    catalogue: Catalogue
    plane: Plane

    def name_of(self, flow: str) -> str:
        """The name of a flow, by its id; empty where there is no such flow any more."""
        found = self.catalogue.flows.get(flow)
        return "" if found is None else found.name

    def source_of(self, inlet: str) -> str:
        """The name of the connection of an inlet, by its id; empty where there is no such inlet any more."""
        found = self.plane.inlets.get(inlet)
        return "" if found is None else found.source


async def open_parts(stack: AsyncExitStack, settings: Settings, waits: Callable[[str], None], log: Log) -> Opened:
    """Open stores and queues, to be closed by ``stack``; wait for what cannot be reached, and as a standby.

    ``waits`` is told what is waited for; the log says which databases are new.

    Raises:
        DatabaseRefused: a file is damaged, or not a database of the exporter.
        StoresDoNotFit: the profile store is older than the intake, or the intake older than the store; or an id that is
            configured was made for something else.
    """

    groups = settings.groups
    made = {part: file for part in _PARTS if (file := not_yet_made(getattr(settings, part)))}

    def warn(text: str) -> None:
        log.warning("queue", detail=text)

    def tries(part: str) -> AsyncRetrying:
        waits(f"opening {part}")

        def failed(error: Exception) -> None:
            waits(f"{part} cannot be reached: {error}")
            log.warning("waiting", reason=f"{part} cannot be reached", detail=str(error))

        failures = (DatabaseUnavailable, QueueUnavailable, StateUnavailable, ProfilesUnavailable)
        return until_reachable(failures, random.uniform, failed)

    async for attempt in tries("state"):
        with attempt:
            state = await open_checked_state(stack, settings.state, log)
    async for attempt in tries("queue"):
        with attempt:
            queue = await stack.enter_async_context(open_queue(settings.queue, groups, warn))
    async for attempt in tries("intake"):
        with attempt:
            intake = await stack.enter_async_context(open_queue(settings.intake, {GROUP}, warn))
    async for attempt in tries("the intake, as a standby where another process reads it"):
        with attempt:
            subscription = await stack.enter_async_context(intake.subscribe(GROUP, "earliest"))
    async for attempt in tries("profiles"):
        with attempt:
            store = await stack.enter_async_context(open_profiles(settings.profiles, settings.identities))
    async for attempt in tries("queue"):
        with attempt:
            most = await queue.max_event_bytes(store.name)
    max_event_bytes = int(settings.max_event_bytes)
    if most is not None and most < max_event_bytes:
        log.info("queue limit", max_event_bytes=most, detail="less than max_event_bytes: counts in its place")
        max_event_bytes = most
    async for attempt in tries("profiles"):
        with attempt:
            last_taken = (await store.counters(TAKEN)).get(TAKEN, 0)
            counts = await store.counts()
            marks = await store.marks(intake.name)
            # A journal counts its records without gaps; brokers name their logs anew when they are made anew.
            dense = settings.intake.kind == "journal"
            why = mismatch(marks, await intake.positions(), GROUP, dense=dense)
    if why is not None:
        raise StoresDoNotFit(why)
    async for attempt in tries("state"):
        with attempt:
            await state.bad_records.open()
            ids = await ids_settled(state, settings.sources)
    if (why := doubled(settings.sources, ids)) is not None:
        raise StoresDoNotFit(why)
    for part, file in made.items():
        log.info("new database", what=part, path=str(file))
    return Opened(state, intake, subscription, queue, store, ids, last_taken, counts, groups, max_event_bytes)


async def ids_settled(state: State, sources: Sequence[SourceSettings]) -> Ids:
    """The ids of all sources and flows: those that are configured, and the others as they were made once."""
    known: dict[str, str] = {}
    to_make: dict[str, str] = {}
    for name, given in wanted(sources):
        if given is not None:
            known[name] = given
        else:
            to_make[name] = secrets.token_hex(32) if name.startswith("inlet/") else str(uuid4())
    known.update(await state.made_ids.settled(to_make))
    return ids_of(sources, known)


async def catalogue_of(settings: Settings, ids: Ids) -> Catalogue:
    """The catalogue of a configuration that ``load`` has found to be without mistakes."""
    found = await off_loop(compiled_catalogue, settings, ids.flows)
    if isinstance(found, tuple):
        raise ValueError(f"{len(found)} mistakes came with the ids that were made")
    return found
