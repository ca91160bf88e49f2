"""Whether all readers of a group have the same state; with timestamps on, separate states would send different times.

Every reader shows the identity of its state on the queue (``Queue.badges``), so a replica with a state of its own is
seen by the next replica that starts. A single replica with its own state is fine, and so is a standby on the same
machine that shares the file. A reader that only seems to be there may be the same exporter before a crash that lost the
state, so an exporter is refused only once a dead reader would have fallen silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from exporter.queues.port import Queue, QueueUnavailable
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings
from exporter.telemetry.logs import Log

#: Added to the time after which the queue takes a silent reader to be gone.
MARGIN_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.5
#: How soon after the start ``watch`` looks again: of two exporters that start together, neither saw the other.
AGAIN_SECONDS: Final = 5.0
WATCH_SECONDS: Final = 60.0

#: EX_CONFIG of sysexits.h: the exit code of a process that refused to run.
REFUSED_EXIT_CODE: Final = 78

Others = Mapping[str, frozenset[str]]


class StateNotShared(Exception):
    """The configuration cannot be served beside the other readers of its groups; the text says why, for people."""


def needs_one_state(destination: Destination) -> bool:
    """Whether the exports depend on the state, namely on when a mapping was first seen."""
    told = [segment.mapping_created_at is not None for segment in destination.segments]
    return destination.include_segment_timestamps and not (told and all(told))


async def refuse_unless_shared(
    queue: Queue, settings: Settings, destinations: Iterable[Destination], identity: str, waits: Callable[[str], None]
) -> None:
    """Return when no group whose destination needs one state is read with a different state.

    To be called before the first read. ``waits`` is called with the reason for waiting, before a wait.

    Raises:
        StateNotShared: a reader with a different state is alive.
        QueueUnavailable: the queue cannot answer now.
    """
    needing = [destination for destination in destinations if needs_one_state(destination)]
    loop = asyncio.get_running_loop()
    patience = queue.silence_seconds + MARGIN_SECONDS
    until: float | None = None
    while others := await _others(queue, settings, needing, identity):
        if until is None:
            until = loop.time() + patience
            names = ", ".join(sorted(others))
            waits(f"{names}: read with another state; whoever does so may be gone within {patience:g} s")
        if loop.time() >= until:
            raise StateNotShared(_refusal(settings, others, identity))
        await asyncio.sleep(LOOK_SECONDS)


async def watch(
    queue: Queue, settings: Callable[[], Settings], identity: str, log: Log, refuse: Callable[[str], None]
) -> None:
    """Look again and again while dataflows read, until cancelled.

    ``refuse`` is called where another exporter started at the same time and this exporter is to give way, which happens
    where this exporter does not read, or where a reader's state has a lower identity. A later exporter refuses by
    itself, or only has to be known of: a warning is logged, once for each destination.
    """
    told: set[str] = set()
    await asyncio.sleep(max(AGAIN_SECONDS, queue.silence_seconds + MARGIN_SECONDS))
    while True:
        try:
            others = await _others(queue, settings(), settings().running, identity)
            needing = {each.name for each in settings().running if needs_one_state(each)} & others.keys()
            losing = {name for name in needing if await _loses(queue, settings().group_of(name), identity)}
        except QueueUnavailable:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if losing and not told:
            refuse(_refusal(settings(), {name: others[name] for name in losing}, identity))
        for name in sorted(others.keys() - told):
            log.warning("state not shared", destination=name, detail=_warning(settings(), name, name in needing))
        told = set(others)
        await asyncio.sleep(WATCH_SECONDS)


async def _loses(queue: Queue, group: str, identity: str) -> bool:
    seen = await queue.badges(group)
    return identity not in seen or identity > min(seen)


async def _others(queue: Queue, settings: Settings, destinations: Iterable[Destination], identity: str) -> Others:
    """By destination, the other states with which the group is read."""
    seen = {each.name: frozenset(await queue.badges(settings.group_of(each.name))) for each in destinations}
    return {name: badges - {identity} for name, badges in seen.items() if badges - {identity}}


def _refusal(settings: Settings, others: Others, identity: str) -> str:
    return "; ".join(
        f"destination {name}: another exporter reads group {settings.group_of(name)} with a state of its own "
        f"({min(badges)[:8]}, ours is {identity[:8]}), and include_segment_timestamps is on: the two would "
        "send different mapping times. Let all replicas share one state (state: {kind: redis, url: ...}), or give "
        "every mapped segment its mapping_created_at, or switch include_segment_timestamps off"
        for name, badges in sorted(others.items())
    )


def _warning(settings: Settings, name: str, needs_one: bool) -> str:
    times = "it sends other mapping times, and " if needs_one else ""
    return (
        f"another exporter reads group {settings.group_of(name)} with a state of its own: {times}dead letters and "
        "their replays stay with the exporter that made them. Let all replicas share one state (state: {kind: redis, "
        "...})"
    )
