"""Reloading: a changed dataflow stops and starts again from its position, an unchanged dataflow is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.daemon.shared_state import StateNotShared
from exporter.daemon.slots import certificates
from exporter.daemon.slots.slots import Slots
from exporter.queues.port import QueueUnavailable
from exporter.sections.regular_file import Stamp, stamp_of
from exporter.settings.difference import difference
from exporter.settings.loading.load import Loaded
from exporter.settings.loading.problems import Problems
from exporter.tasks.off_loop import off_loop
from exporter.telemetry.configuration import ConfigurationHealth, Refusal
from exporter.telemetry.logs import Log

WATCH_SECONDS = 1.0

Load = Callable[[], Loaded | Problems]
TakenOver = Callable[[Loaded], None]
Stamps = Mapping[Path, Stamp | None]


async def reload_for_ever(
    loaded: Loaded,
    load: Load,
    asked: asyncio.Event,
    slots: Slots,
    log: Log,
    health: ConfigurationHealth,
    taken_over: TakenOver = lambda _: None,
) -> None:
    """Reload whenever ``asked`` is set or a file whose content is part of the settings changes, until cancelled.

    ``health`` is told how each reload ended.

    ``taken_over`` is called with each configuration that has become the daemon's.
    """

    async def take_over(old: Loaded) -> Loaded | None:
        return await _reload(old, load, slots, log, health)

    await take_over_for_ever(loaded, asked, take_over, taken_over)


async def take_over_for_ever(
    loaded: Loaded,
    asked: asyncio.Event,
    take_over: Callable[[Loaded], Awaitable[Loaded | None]],
    taken_over: TakenOver = lambda _: None,
) -> None:
    """Call ``take_over`` with the old configuration at every reload; the result goes on, or the old where that is None.

    Files are read and looked at in a thread: a disk that hangs must not keep the process from going on. Stamps are
    compared with those from the time of reading, so that no change is missed, not even during a reload.
    """
    known: Stamps = loaded.watched
    while True:
        while not asked.is_set() and await off_loop(_stamps, known) == known:
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await asked.wait()
            except TimeoutError:
                continue
        asked.clear()
        before = await off_loop(_stamps, known)
        new = await take_over(loaded)
        if new is None:
            known = before  # try again when a file changes once more
        else:
            loaded, known = new, new.watched
            taken_over(new)


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells how a reload fares, in the log and in ``health``, with the same words in every process."""

    log: Log
    health: ConfigurationHealth

    def refused(self, outcome: Refusal, why: Sequence[str], reason: str, **more: object) -> None:
        """The old configuration goes on, for ``why``; ``reason`` is the sentence of the log."""
        self.health.refused(outcome, why)
        self.log.error("reload refused", reason=reason, **more)

    async def read(self, load: Load) -> Loaded | None:
        """What ``load`` reads; None, and told, where that has mistakes."""
        new = await off_loop(load)
        if isinstance(new, Problems):
            problems = [str(problem) for problem in new.problems]
            reason = "the configuration is invalid; the old one goes on"
            self.refused("invalid", problems, reason, problems=problems)
            return None
        return new

    def refused_until_restart(self, keys: Sequence[str]) -> None:
        """The old configuration goes on, since ``keys`` differ and cannot while the process runs."""
        problems = [f"{key}: needs a restart" for key in keys]
        self.refused("needs_restart", problems, "needs a restart", keys=keys)

    def stale(self, keys: Sequence[str]) -> None:
        """All else is taken over; what files named under ``keys`` held goes on."""
        reason = "a file that they name holds something else now; what it held goes on"
        self.log.warning("needs a restart", keys=keys, reason=reason)


async def _reload(old: Loaded, load: Load, slots: Slots, log: Log, health: ConfigurationHealth) -> Loaded | None:
    """The configuration that goes on; None where the old configuration does."""

    telling = Telling(log, health)
    refused = telling.refused
    new = await telling.read(load)
    if new is None:
        return None
    changes = difference(old.settings, new.settings)
    if changes.needs_restart:
        telling.refused_until_restart(changes.needs_restart)
        return None
    starting = (*changes.added, *changes.changed)
    destinations = [destination for destination in new.settings.running if destination.name in starting]
    if unusable := await off_loop(certificates.unusable, destinations):
        reason = "certificates cannot be used as they are now; the old ones go on until they can"
        refused("unusable", unusable, reason, problems=unusable)
        return None
    try:
        await slots.refuse_unless_shared(new.settings, starting)
    except StateNotShared as error:
        refused("not_shared", [str(error)], str(error))
        return None
    except QueueUnavailable as error:
        log.warning("reload", detail=f"whether others share the state cannot be told now: {error}")
    for note in new.notes:
        log.warning("note", detail=note)
    if changes.stale:
        telling.stale(changes.stale)
        kept = {key: getattr(old.settings, key) for key in changes.stale}
        new = replace(new, settings=new.settings.model_copy(update=kept))
    # What the state says of a destination that this process did not know of yet: a paused one sends nothing at all.
    await slots.look()
    await slots.change(new.settings, changes)
    health.applied()
    log.info("reloaded", added=changes.added, removed=changes.removed, changed=changes.changed, same=len(changes.same))
    return new


def _stamps(files: Iterable[Path]) -> Stamps:
    return {file: stamp_of(file) for file in files}
