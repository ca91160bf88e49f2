"""Puts a wish about a profile into the intake, where it stands durably when the command returns."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import typer

from exporter.cli.profile.store import identity_of, with_profiles
from exporter.cli.shared.queue import fail
from exporter.queues.kinds import open_queue
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.wish import WishKind
from exporter.source.wishing import NotWished, Wished, Wishing

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import ProfileStore
    from exporter.source.records import Identity


def wish(settings: Settings, kind: WishKind, namespace: str, id_: str, *, as_json: bool) -> None:
    """Wish it, and say under which name.

    Exits with 1 where the intake does not take the wish, and where there is no such profile: then a deletion stands in
    the intake all the same, since the person may be in what waits there, or in bad records.
    """
    import asyncio

    from exporter.database import DatabaseRefused, DatabaseUnavailable
    from exporter.queues.port import QueueUnavailable
    from exporter.source.processing.processor import TAKEN

    identity = identity_of(settings, namespace, id_)
    if settings.intake.kind == "memory":
        fail("an intake in memory is reached by `exporter serve` alone: ask its control plane (serve.api)")

    async def newest(store: ProfileStore) -> tuple[int, bool]:
        there = await store.profile(identity, int(time.time() * 1000)) is not None
        return (await store.counters(TAKEN)).get(TAKEN, 0), there

    floor, there = with_profiles(settings, newest, nothing=(0, False))
    if not there and kind is WishKind.UNLINK:
        fail("there is no profile of this identity")
    # The wish is later than all that is applied, even if the clock was set back meanwhile.
    stamps = Stamps(lambda: int(time.time() * 1000), os.getpid(), floor)
    try:
        wished = asyncio.run(_wished(settings, stamps, kind, identity))
    except (DatabaseRefused, DatabaseUnavailable, QueueUnavailable) as error:
        fail(f"the intake: {error}")
    if isinstance(wished, NotWished):
        fail(f"the intake: {wished.reason}")
    if as_json:
        typer.echo(json.dumps({"xactionId": wished.xaction_id}))
    else:
        typer.echo(f"{wished.xaction_id} stands in the intake: exporter serve applies it in its turn")
    if not there:
        fail("there is no profile of this identity now: the deletion is for what waits in the intake, and bad records")


async def _wished(settings: Settings, stamps: Stamps, kind: WishKind, identity: Identity) -> Wished | NotWished:
    from exporter.daemon.serving.parts import GROUP

    async with open_queue(settings.intake, (GROUP,), lambda _: None) as queue:
        return await Wishing(queue, stamps, settings.serve.hold).wish(kind, identity)
