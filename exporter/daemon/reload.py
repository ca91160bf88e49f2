"""Reloading: a changed dataflow stops and starts again from its position, an unchanged dataflow is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
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
Stamps = Mapping[Path, Stamp | None]


async def reload_for_ever(
    loaded: Loaded, load: Load, asked: asyncio.Event, slots: Slots, log: Log, health: ConfigurationHealth
) -> None:
    """Reload whenever ``asked`` is set or a file whose content is part of the settings changes, until cancelled.

    ``health`` is told how each reload ended.

    Files are read and looked at in a thread: a disk that hangs must not keep exports from going on. Stamps are compared
    with those from the time of reading, so that no change is missed, not even during a reload.
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
        taken_over = await _reload(loaded, load, slots, log, health)
        if taken_over is None:
            known = before  # try again when a file changes once more
        else:
            loaded, known = taken_over, taken_over.watched


async def _reload(old: Loaded, load: Load, slots: Slots, log: Log, health: ConfigurationHealth) -> Loaded | None:
    """The configuration that goes on; None where the old configuration does."""

    def refused(outcome: Refusal, why: Sequence[str], reason: str, **more: object) -> None:
        health.refused(outcome, why)
        log.error("reload refused", reason=reason, **more)

    new = await off_loop(load)
    if isinstance(new, Problems):
        reason = "the configuration is invalid; the old one goes on"
        problems = [str(problem) for problem in new.problems]
        refused("invalid", problems, reason, problems=problems)
        return None
    changes = difference(old.settings, new.settings)
    if changes.needs_restart:
        problems = [f"{key}: needs a restart" for key in changes.needs_restart]
        refused("needs_restart", problems, "needs a restart", keys=changes.needs_restart)
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
        reason = "a file that they name holds something else now; what it held goes on"
        log.warning("needs a restart", keys=changes.stale, reason=reason)
        kept = {key: getattr(old.settings, key) for key in changes.stale}
        new = replace(new, settings=new.settings.model_copy(update=kept))
    await slots.change(new.settings, changes)
    health.applied()
    log.info("reloaded", added=changes.added, removed=changes.removed, changed=changes.changed, same=len(changes.same))
    return new


def _stamps(files: Iterable[Path]) -> Stamps:
    return {file: stamp_of(file) for file in files}
