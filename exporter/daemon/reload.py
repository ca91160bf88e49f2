"""Reloading: what changed stops and starts again from its position, what did not is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from exporter.daemon.shared_state import StateNotShared
from exporter.daemon.slots import Slots
from exporter.queues.port import QueueUnavailable
from exporter.settings.difference import difference
from exporter.settings.loading.load import Loaded
from exporter.settings.loading.problems import Problems
from exporter.telemetry.logs import Log

WATCH_SECONDS = 1.0

Load = Callable[[], Loaded | Problems]


async def reload_for_ever(loaded: Loaded, load: Load, asked: asyncio.Event, slots: Slots, log: Log) -> None:
    """Reload whenever ``asked`` is set or a file that ``!file`` named changes, until cancelled."""
    while True:
        before = _stamps(loaded)
        while not asked.is_set() and _stamps(loaded) == before:
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await asked.wait()
            except TimeoutError:
                continue
        asked.clear()
        loaded = await _reload(loaded, load, slots, log)


async def _reload(old: Loaded, load: Load, slots: Slots, log: Log) -> Loaded:
    new = load()
    if isinstance(new, Problems):
        log.error("reload refused", reason="the configuration is invalid; the old one goes on", problems=new.render())
        return old
    changes = difference(old.settings, new.settings)
    if changes.needs_restart:
        log.error("reload refused", reason="needs a restart", keys=changes.needs_restart)
        return old
    try:
        await slots.refuse_unless_shared(new.settings, (*changes.added, *changes.changed))
    except StateNotShared as error:
        log.error("reload refused", reason=str(error))
        return old
    except QueueUnavailable as error:
        log.warning("reload", detail=f"whether others share the state cannot be told now: {error}")
    for note in new.notes:
        log.warning("note", detail=note)
    await slots.change(new.settings, changes)
    log.info("reloaded", added=changes.added, removed=changes.removed, changed=changes.changed, same=len(changes.same))
    return new


def _stamps(loaded: Loaded) -> dict[Path, object]:
    """What tells that a secret's file is another one now; a mounted secret changes by its link."""
    stamps: dict[Path, object] = {}
    for file in loaded.secret_files:
        try:
            stat = file.stat()
            stamps[file] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamps[file] = None
    return stamps
