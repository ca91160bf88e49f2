"""Asks for a backfill in the profile store, and shows how far `exporter serve` is with it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from exporter.cli.shared.look.progress import progress_to
from exporter.daemon.serving.parts import GROUP
from exporter.database import DatabaseRefused, DatabaseUnavailable
from exporter.queues.kinds import QueueSettings, open_queue
from exporter.queues.port import QueueUnavailable
from exporter.sections.printable import counted
from exporter.settings.whereabouts import not_yet_made
from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.port import Backfill, ProfileStore, Segment

if TYPE_CHECKING:
    from exporter.settings.destination import Destination
    from exporter.settings.tree import Settings

#: How often progress is looked at, and told where stderr is no terminal.
LOOK_SECONDS = 0.25
_LINE_SECONDS = 5.0
#: Nothing happened for so long: it is said, once, what is in the way.
_PATIENCE_SECONDS = 3.0

Show = Callable[[Backfill], None]


class Following:
    """One call of the command.

    Args:
        settings: the configuration.
        destination: whom to tell.
        segments: whose members; none for all profiles.
    """

    def __init__(self, settings: Settings, destination: Destination, segments: Sequence[Segment]) -> None:
        self._settings = settings
        self._destination = destination
        self._segments = segments

    async def run(self, *, wait: bool) -> Backfill:
        """The backfill as it is in the end, or without ``wait`` as it is now.

        Raises:
            DatabaseRefused, DatabaseUnavailable or ProfilesUnavailable: the store cannot be used.
        """
        async with open_profiles(self._settings.profiles, self._settings.identities) as store:
            backfill = await self._asked_for(store)
            if not wait:
                await self._tell_what_is_in_the_way()
                return backfill
            return await self._followed(store, backfill)

    async def _asked_for(self, store: ProfileStore) -> Backfill:
        """The backfill: one of the same profiles that is under way, or a new one."""
        same = (self._destination.name, set(self._segments))
        for each in await store.backfills():
            if not each.finished and (each.destination, set(each.segments)) == same:
                _note(f"backfill {each.number} of {each.destination} is under way already")
                return each
        while True:
            begun = await store.begin_backfill(self._destination.name, self._segments, int(time.time() * 1000))
            if begun is not None:
                return begun
            await asyncio.sleep(0.001)  # somebody began the same in this millisecond

    async def _followed(self, store: ProfileStore, backfill: Backfill) -> Backfill:
        moved_at, told = time.monotonic(), False
        with _progress(backfill) as show:
            while not backfill.finished:
                await asyncio.sleep(LOOK_SECONDS)
                [now] = [each for each in await store.backfills() if each.number == backfill.number]
                if now.done != backfill.done:
                    moved_at = time.monotonic()
                elif not told and time.monotonic() > moved_at + _PATIENCE_SECONDS:
                    told = True
                    await self._tell_what_is_in_the_way()
                backfill = now
                show(backfill)
        return backfill

    async def _tell_what_is_in_the_way(self) -> None:
        name, settings = self._destination.name, self._settings
        if not self._destination.enabled:
            _note(f"{name} is switched off (enabled: false), so its backfill waits")
            return
        if not await _is_read(settings.intake, GROUP):
            _note("no `exporter serve` of this configuration runs: the backfill waits for its start")
        if not await _is_read(settings.queue, settings.group_of(name)):
            _note(f"no `exporter run` reads events for {name}: the backfill waits for that")


async def _is_read(section: QueueSettings, group: str) -> bool:
    """Whether somebody reads a group of a queue; a queue that cannot be asked is taken to be read, and said."""
    if not_yet_made(section) is not None:
        return False
    try:
        async with open_queue(section, {group}, _note) as queue:
            return any(each.reader for each in await queue.positions() if each.group == group)
    except (DatabaseRefused, DatabaseUnavailable, QueueUnavailable) as error:
        _note(f"whether group {group} is read is not known: {error}")
        return True


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)


@contextmanager
def _progress(backfill: Backfill) -> Iterator[Show]:
    """What shows how far it is: a bar on a terminal, else a line from time to time, both on stderr."""
    label = f"backfill {backfill.number} of {backfill.destination}"
    if sys.stderr.isatty():
        with progress_to(label, backfill.done, backfill.total) as reach:
            yield lambda now: reach(now.done, now.total)
        return
    lines = _Lines(label)
    lines.show(backfill)
    yield lines.show


class _Lines:
    """Progress in lines, for a pipe or a file."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown: tuple[int, int] | None = None
        self._at = float("-inf")

    def show(self, now: Backfill) -> None:
        """Print a line where there is news, and not too often."""
        news = (now.done, now.total)
        if news != self._shown and (now.finished or time.monotonic() >= self._at + _LINE_SECONDS):
            self._shown, self._at = news, time.monotonic()
            typer.echo(f"{self._label}: {now.done} of {counted(now.total, 'profile')}", err=True)
