"""Tries to reach the parts that a configuration names: stores, collector, endpoints, proxies, token servers.

No profile is sent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.auth.authorizer import Surroundings, Unauthorized
from exporter.cli.check.reach import reach
from exporter.daemon.serving.certificate import unusable_certificate
from exporter.daemon.serving.objects import looked_over
from exporter.daemon.serving.parts import GROUP
from exporter.daemon.slots.token_transport import open_token_transport
from exporter.database import DatabaseRefused, DatabaseUnavailable, orphaned_log
from exporter.queues.advice import Advising, Inspection
from exporter.queues.kinds import QueueSettings, look_at_queue
from exporter.queues.port import Queue, QueueUnavailable
from exporter.sections.printable import counted, printable
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings
from exporter.source.profiles.kinds import open_profiles
from exporter.source.profiles.port import ProfilesUnavailable
from exporter.state.kinds import open_state
from exporter.state.port import StateUnavailable
from exporter.transport.tls.contexts import HTTP, TlsContexts, TlsFilesUnusable, client_context

#: A producer's name as long as that of a profile store, which goes along with each event.
PRODUCER = f"profiles-{0:016x}"
#: For opening a file, which waits while another process has the file locked.
_STORE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a step. ``detail`` holds no secret."""

    destination: str | None
    what: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        place = self.what if self.destination is None else f"{self.destination}: {self.what}"
        return printable(f"{place}: {self.detail}")


async def check_connections(
    settings: Settings, warn: Callable[[str], None], only: Collection[Destination] | None = None
) -> list[Checked]:
    """Try the stores, the collector of spans, and what the destinations need, destinations side by side.

    Args:
        settings: a valid configuration.
        only: the destinations to try, also those that are switched off, without the way in; None for the way in, where
            there is one, be it made by API, and all destinations that are enabled.
        warn: called with the sentences of the queue: on opening, and on the cost of the broker's settings.
    """
    looked_at = settings.running if only is None else only
    objects = await _objects(settings) if only is None else None
    way_in = bool(settings.sources or objects) and only is None
    stores = [
        await _queue("queue", settings.queue, settings.groups, warn, int(settings.max_event_bytes) if way_in else None),
        await _store("state", settings.state, lambda: open_state(settings.state), warn),
    ]
    if way_in:
        profiles, identities = settings.profiles, settings.identities
        stores.append(await _queue("intake", settings.intake, {GROUP}, warn))
        stores.append(await _store("profiles", profiles, lambda: open_profiles(profiles, identities), warn))
        if objects is not None:
            stores.append(objects)
    if only is None and (why := unusable_certificate(settings.serve.tls)) is not None:
        stores.append(Checked(None, "certificate", False, why))
    if (url := settings.tracing.traces_url) is not None:
        stores.append(await _collector(url))
    async with asyncio.TaskGroup() as tasks:
        each = [tasks.create_task(_destination(destination)) for destination in looked_at]
    return [*stores, *(checked for task in each for checked in task.result())]


def _absent(what: str, path: Path) -> Checked | None:
    """The result for a file that is not there, or that may not be looked at; None for a file that is there.

    With ``os.path``, since pathlib raises where a folder may not be searched.
    """
    if os.path.exists(path):  # noqa: PTH110
        return None
    if (lost := orphaned_log(path)) is not None:
        return Checked(None, what, False, f"{path}: {lost}")
    folder = next(parent for parent in path.absolute().parents if os.path.exists(parent))  # noqa: PTH110
    writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return Checked(None, what, writable, f"{path} will be created" if writable else f"{folder} cannot be written")


async def _queue(
    what: str,
    section: QueueSettings,
    groups: Collection[str],
    warn: Callable[[str], None],
    max_event_bytes: int | None = None,
) -> Checked:
    """As ``_store``; ``warn`` also gets to know where the queue takes less than ``max_event_bytes``."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Queue | Inspection]:
        async with look_at_queue(section, groups, warn) as queue:
            yield queue
            most = None if max_event_bytes is None else await queue.max_event_bytes(PRODUCER)
        if most is not None and max_event_bytes is not None and most < max_event_bytes:
            warn(
                f"{what}: it takes events of {counted(most, 'byte')} at most, less than max_event_bytes "
                f"({max_event_bytes}): a record of the way in whose event would be larger is bad (too_large)"
            )

    return await _store(what, section, opened, warn)


async def _store(
    what: str, section: object, opened: Callable[[], AbstractAsyncContextManager[Any]], warn: Callable[[str], None]
) -> Checked:
    """Open a store and let the store check itself; an absent file is not created."""
    path = getattr(section, "path", None)
    if isinstance(path, Path) and (absent := _absent(what, path)) is not None:
        return absent
    try:
        async with asyncio.timeout(_STORE_SECONDS), opened() as store:
            await store.check()
            if isinstance(store, Advising):
                for sentence in await store.advice():
                    warn(f"{what}: {sentence}")
            missing: Sequence[str] = getattr(store, "missing", ())
    except (DatabaseRefused, QueueUnavailable, StateUnavailable) as error:
        return Checked(None, what, False, str(error))
    except (DatabaseUnavailable, ProfilesUnavailable) as error:
        return Checked(None, what, False, error.reason)
    except TimeoutError:
        return Checked(None, what, False, f"it could not be opened within {_STORE_SECONDS:g} s")
    usable = f"{path} can be used" if isinstance(path, Path) else "can be used"
    return Checked(None, what, True, f"{usable}; {' and '.join(missing)} will be created" if missing else usable)


async def _objects(settings: Settings) -> Checked | None:
    """Whether what was made by API goes with the configuration; None where nothing was, or that cannot be known now."""
    path = getattr(settings.state, "path", None)
    if isinstance(path, Path) and _absent("state", path) is not None:
        return None
    try:
        async with asyncio.timeout(_STORE_SECONDS), open_state(settings.state) as state:
            found = await looked_over(settings, state)
    except (DatabaseRefused, DatabaseUnavailable, StateUnavailable, TimeoutError):
        return None  # the step of the state says so
    if found == 0:
        return None
    words = f"{counted(found, 'object')} made by API" if isinstance(found, int) else found
    return Checked(None, "objects", isinstance(found, int), words)


async def _collector(url: str) -> Checked:
    from exporter.telemetry.tracing.collector import why_not_taken

    failure = await asyncio.to_thread(why_not_taken, url)
    return Checked(None, "collector", failure is None, f"{url} takes spans" if failure is None else f"{url}: {failure}")


async def _destination(destination: Destination) -> list[Checked]:
    try:
        context = client_context(destination.tls, HTTP)
    except TlsFilesUnusable as error:
        return [Checked(destination.name, "tls", False, str(error))]
    steps = reach(destination.url, destination.proxy, context, destination.delivery.timeout)
    found = [Checked(destination.name, step.what, step.ok, step.detail) async for step in steps]
    if destination.auth.token_server is not None:
        found.append(await _token(destination))
    return found


async def _token(destination: Destination) -> Checked:
    """Fetch a token the way the daemon does: through the same proxy, with the same certificates."""
    notes: list[str] = []
    try:
        async with open_token_transport(destination, TlsContexts()) as transport:
            authorizer = destination.auth.authorizer(transport, Surroundings(note=notes.append))
            outcome = await authorizer.authorize()
    except TlsFilesUnusable as error:
        return Checked(destination.name, "token", False, str(error))
    if isinstance(outcome, Unauthorized):
        return Checked(destination.name, "token", False, outcome.detail)
    return Checked(destination.name, "token", True, "; ".join(("the token endpoint gave one", *notes)))
