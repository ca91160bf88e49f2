"""``exporter source forget``: what a dataset has said is taken back from the profiles, and what follows is told."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.cli.shared.config import DEFAULT_CONFIG, ConfigOption, load_or_exit
from exporter.cli.shared.letters import refuse_unattended
from exporter.sections.printable import counted, printable
from exporter.settings.loading.suggestions import guess

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import ProfileStore

#: Profiles of one transaction, and the pause after each, so that records go on meanwhile.
_PROFILES = 500
_PAUSE_SECONDS = 0.01
#: How often a full outbox is looked at, and how long one may be full without getting any smaller.
_ROOM_SECONDS = 0.1
PATIENCE_SECONDS = 30.0


class NoRoom(Exception):
    """Too many events wait to be told, and nobody tells them."""


def forget(
    dataset: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Name a dataset, by id or name; by id where it is configured no more."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take back from all profiles what DATASET has said.

    The attributes that are others now, or gone, are told.
    A profile of which nothing is left is gone, too; identities and memberships stay. Works while `exporter serve` runs,
    which tells the events, now or when it runs. Stop sending first: what waits in the intake is applied afterwards.
    """
    from exporter.cli.profile.store import with_profiles
    from exporter.cli.shared.look.progress import progress
    from exporter.cli.shared.queue import fail

    refuse_unattended(yes=yes)
    settings = load_or_exit(config).settings
    dataset_id = _dataset_id(settings, dataset)

    async def count(store: ProfileStore) -> int:
        return (await store.counts()).profiles

    there = with_profiles(settings, count, nothing=0)
    question = f"Take back what dataset {printable(dataset_id)} has said, from {counted(there, 'profile')}, for good?"
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(1)
    forgetting = Forgetting(dataset_id, int(settings.max_event_bytes), int(settings.profiles.outbox_max))
    with progress("forgetting", there) as advance:

        async def run(store: ProfileStore) -> str:
            try:
                await forgetting.run(store, advance)
            except NoRoom:
                return "too many events wait to be told (profiles.outbox_max): run it again while exporter serve runs"
            return ""

        trouble = with_profiles(settings, run, nothing="") if there else ""
    if as_json:
        typer.echo(json.dumps({"dataset": dataset_id, "changed": forgetting.changed}))
    else:
        typer.echo(f"{counted(forgetting.changed, 'profile')} changed")
    if trouble:
        fail(trouble)
    known = {each.id for each in settings.datasets}
    if not forgetting.changed and dataset_id not in known:
        hint = guess(dataset_id, [*known, *(each.name for each in settings.datasets)])
        fail(f"dataset {printable(dataset_id)} is not configured, and no profile has anything of it{hint}")


def _dataset_id(settings: Settings, text: str) -> str:
    """The id of the dataset that is meant. Exits with 2 where several have the name."""
    if any(each.id == text for each in settings.datasets):
        return text
    named = [each.id for each in settings.datasets if each.name == text]
    if len(named) > 1:
        raise typer.BadParameter(f"{len(named)} datasets have this name; give an id", param_hint="DATASET")
    return named[0] if named else text


@dataclass(slots=True)
class Forgetting:
    """Goes through all profiles, some at a time; cut short and begun anew, it does the rest.

    Attributes:
        dataset: the dataset's id.
        max_event_bytes: a larger event is not told.
        outbox_max: bytes of events that wait to be told, beyond which it waits.
        patience_seconds: how long it waits where none of them is told.
        changed: how many profiles are others now.
    """

    dataset: str
    max_event_bytes: int
    outbox_max: int
    patience_seconds: float = PATIENCE_SECONDS
    changed: int = 0

    async def run(self, store: ProfileStore, advance: Callable[[int], None]) -> None:
        """Take back what the dataset has said; ``advance`` is told of every few profiles.

        Raises:
            NoRoom: the outbox is full and stays so; what was taken back until then is durable.
            ProfilesUnavailable: the store cannot be used now.
        """
        from exporter.source.collection.stamps import Stamps
        from exporter.source.processing.processor import TAKEN

        floor = (await store.counters(TAKEN)).get(TAKEN, 0)
        stamp = Stamps(lambda: int(time.time() * 1000), os.getpid(), floor).next()
        after: int | None = 0
        while after is not None:
            await self._room(store)
            swept = await store.forget_dataset(
                self.dataset, stamp.name, stamp.ms, self.max_event_bytes, after, _PROFILES
            )
            self.changed += swept.changed
            advance(_PROFILES)
            after = swept.next
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _room(self, store: ProfileStore) -> None:
        """Wait while the outbox is full."""
        clock = asyncio.get_running_loop().time
        fewest, since = None, clock()
        while (waiting := (await store.counts()).outbox_bytes) > self.outbox_max:
            if fewest is None or waiting < fewest:
                fewest, since = waiting, clock()
            elif clock() - since >= self.patience_seconds:
                raise NoRoom
            await asyncio.sleep(_ROOM_SECONDS)
