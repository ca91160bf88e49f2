"""What the serving process is put together from: stores and queues, opened; ids and catalogue, made ready."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

from exporter.daemon.serving.in_force import Compiled, Compiler
from exporter.daemon.serving.marks import mismatch
from exporter.daemon.serving.objects import objects_of, unfit
from exporter.daemon.serving.refusals import StoresDoNotFit
from exporter.daemon.startup import open_checked_state
from exporter.database import DatabaseUnavailable
from exporter.dataflow.flow import STANDBY_SECONDS
from exporter.queues.advice import Advising
from exporter.queues.kinds import open_queue
from exporter.queues.port import Position, Queue, QueueUnavailable, Subscription
from exporter.sections.schedules import until_reachable
from exporter.settings.loading.load import Loaded
from exporter.settings.whereabouts import not_yet_made
from exporter.source.control.objects.objects import Objects
from exporter.source.processing.planes import Ids, doubled, ids_of, wanted
from exporter.source.processing.processor import TAKEN
from exporter.source.profiles.alone import Alone
from exporter.source.profiles.kinds import open_profiles, profiles_alone
from exporter.source.profiles.port import Counts, ProfileStore, ProfilesUnavailable
from exporter.source.settings.declared import SourceSettings
from exporter.source.tokens.issuing.signing_key import SigningKey, new_key
from exporter.source.tokens.key_set import NoKey
from exporter.state.kinds import State
from exporter.state.port import StateUnavailable
from exporter.telemetry.logs import Log

#: The one group of the intake: whoever reads it applies the records.
GROUP = "exporter.source"
#: The sections whose files may have to be made.
_PARTS = ("state", "queue", "intake", "profiles")
#: The name of the key that signs tokens, among what was made once.
_KEY: Final = "ims/key"
_AWAY: Final = (DatabaseUnavailable, QueueUnavailable, StateUnavailable, ProfilesUnavailable)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """All of it, open, and what was found there.

    ``alone``: keeps other processes from applying records to ``store``. ``objects``: of the control plane, which
    ``compiler`` has ``compiled``; those that were made stood in the state as ``revision``. ``last_taken``: epoch
    milliseconds of the last record that is known to have been taken. ``counts``: of the store. ``groups``: those of the
    product's queue, kept up to date. ``max_event_bytes``: the configured bound, or what the queue took at the start
    where that is less. ``key`` signs tokens.
    """

    state: State
    intake: Queue
    subscription: Subscription
    queue: Queue
    store: ProfileStore
    alone: Alone
    objects: Objects
    revision: str
    compiler: Compiler
    compiled: Compiled
    last_taken: int
    counts: Counts
    groups: set[str]
    max_event_bytes: int
    key: SigningKey

    async def applied(self) -> Sequence[Position]:
        """How far the intake is applied, in each of its lanes. Raises QueueUnavailable."""
        return [each for each in await self.intake.positions() if each.group == GROUP]


async def open_parts(stack: AsyncExitStack, loaded: Loaded, waits: Callable[[str], None], log: Log) -> Opened:
    """Open stores and queues, to be closed by ``stack``; wait for what cannot be reached, and as a standby.

    ``waits`` is told what is waited for; the log says which databases are new.

    Raises:
        DatabaseRefused: a file is damaged, or not a database of the exporter.
        StoresDoNotFit: the profile store is older than the intake, or the intake older than the store; or an id that is
            configured was made for something else; or objects that were made do not go with the configuration; or the
            key in the state is none.
    """
    settings = loaded.settings
    groups = settings.groups
    made = {part: file for part in _PARTS if (file := not_yet_made(getattr(settings, part)))}

    def warn(text: str) -> None:
        log.warning("queue", detail=text)

    async def reached(part: str, work: Callable[[], Awaitable[T]], how: str = "") -> T:
        """What ``work`` comes to, tried until ``part`` is there; ``how`` it is opened, where that may take long."""

        def failed(error: Exception) -> None:
            waits(f"{part} cannot be reached: {error}")
            log.warning("waiting", reason=f"{part} cannot be reached", detail=str(error))

        waits(f"opening {part}{how}")
        return await until_reachable(work, _AWAY, random.uniform, failed)

    async def entered(part: str, opening: Callable[[], AbstractAsyncContextManager[T]], how: str = "") -> T:
        return await reached(part, lambda: stack.enter_async_context(opening()), how)

    state = await reached("state", lambda: open_checked_state(stack, settings.state, log))
    queue = await entered("queue", lambda: open_queue(settings.queue, groups, warn))
    intake = await entered("intake", lambda: open_queue(settings.intake, {GROUP}, warn))
    subscription = await entered(
        "the intake",
        lambda: _told_of_standby(intake.subscribe(GROUP, "earliest"), "reads the intake", log),
        ", as a standby where another process reads it",
    )
    store = await entered("profiles", lambda: open_profiles(settings.profiles, settings.identities))
    alone = await entered(
        "the profiles",
        lambda: _told_of_standby(profiles_alone(settings.profiles), "applies records", log),
        ", as a standby where another process applies records to them",
    )
    most = await reached("queue", lambda: queue.max_event_bytes(store.name))
    max_event_bytes = int(settings.max_event_bytes)
    if most is not None and most < max_event_bytes:
        log.info("queue limit", max_event_bytes=most, detail="less than max_event_bytes: counts in its place")
        max_event_bytes = most
    last_taken = (await reached("profiles", lambda: store.counters(TAKEN))).get(TAKEN, 0)
    counts = await reached("profiles", store.counts)
    marks = await reached("profiles", lambda: store.marks(intake.name))
    why = mismatch(marks, await reached("intake", intake.positions), GROUP, settings.intake.kind)
    if why is not None:
        raise StoresDoNotFit(why)
    await reached("state", state.bad_records.open)
    control = await reached("state", lambda: _control(loaded, state))
    key = await reached("state", lambda: key_settled(state))
    for sentence in await store.advice() if isinstance(store, Advising) else ():
        log.warning("profiles", detail=sentence)
    for part, file in made.items():
        log.info("new database", what=part, path=str(file))
    return Opened(
        state, intake, subscription, queue, store, alone, *control, last_taken, counts, groups, max_event_bytes, key
    )


@asynccontextmanager
async def _told_of_standby(entering: AbstractAsyncContextManager[T], what: str, log: Log) -> AsyncIterator[T]:
    """``entering``; the log says so where that has to wait for another process, which does ``what``, to end."""
    detail = f"another process {what}; this one takes over when that ends"
    standby = asyncio.get_running_loop().call_later(STANDBY_SECONDS, partial(log.info, "standby", detail=detail))
    try:
        async with entering as entered:
            standby.cancel()
            yield entered
    finally:
        standby.cancel()


async def _control(loaded: Loaded, state: State) -> tuple[Objects, str, Compiler, Compiled]:
    """The objects of the control plane, compiled. Raises as ``open_parts``, and ``StateUnavailable``."""
    settings = loaded.settings
    ids = await ids_settled(state, settings.sources)
    if (why := doubled(settings.sources, ids)) is not None:
        raise StoresDoNotFit(why)
    objects, revision = await objects_of(loaded, ids, state)
    compiler = Compiler(settings, ids)
    compiled = await compiler.compiled(objects)
    if not isinstance(compiled, Compiled):
        raise StoresDoNotFit(unfit(compiled))
    return objects, revision, compiler, compiled


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


async def key_settled(state: State) -> SigningKey:
    """The key that signs tokens, as it was made once.

    Raises:
        StoresDoNotFit: what the state has under its name is no key.
    """
    made = await state.made_ids.settled({_KEY: new_key()})
    try:
        return SigningKey(made[_KEY])
    except NoKey as error:
        raise StoresDoNotFit(f"state: {error}: put back a copy of it") from error
