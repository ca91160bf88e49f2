"""The changes that a new configuration brings, for a reload (contract.md#configuration)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from exporter.redis_server.url import RedisUrl
from exporter.sections.section import Secret
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings

#: Keys that can't change while the daemon runs.
NEED_RESTART = ("queue", "state", "ops", "tracing")
#: Keys that the daemon takes over at once, without touching a dataflow.
LIVE = ("log", "drain", "memory")


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of destinations in the order of the new configuration (``removed``: of the old configuration).

    A destination that is switched off counts as absent. ``needs_restart``, ``live`` and ``stale`` are top-level keys;
    ``stale`` keys can't change while the daemon runs, and only differ in the content of files.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    needs_restart: tuple[str, ...]
    live: tuple[str, ...]
    stale: tuple[str, ...] = ()


def difference(old: Settings, new: Settings) -> Difference:
    """Compare two configurations.

    A destination changed if any input of its dataflow did: its own settings, secrets included; the catalogue's entries
    for its mapped segments, where names or timestamps are sent; and ``max_event_bytes``, which bounds the events that
    every dataflow reads. The description is for people and changes nothing.
    """
    before = {destination.name: destination for destination in old.running}
    after = {destination.name: destination for destination in new.running}
    both = [name for name in after if name in before]
    differing = [key for key in NEED_RESTART if getattr(old, key) != getattr(new, key)]
    stale = [key for key in differing if same_but_for_files(getattr(old, key), getattr(new, key))]
    same = [name for name in both if _built_from(before[name], old) == _built_from(after[name], new)]
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in both if name not in same),
        same=tuple(same),
        needs_restart=tuple(key for key in differing if key not in stale),
        live=tuple(key for key in LIVE if getattr(old, key) != getattr(new, key)),
        stale=tuple(stale),
    )


def same_but_for_files(old: object, new: object) -> bool:
    """Whether the same files are named, whatever the files hold, and everything else is equal."""
    if isinstance(old, BaseModel) and type(old) is type(new):
        fields = type(old).model_fields
        return all(same_but_for_files(getattr(old, name), getattr(new, name)) for name in fields)
    if isinstance(old, Secret | RedisUrl) and isinstance(new, Secret | RedisUrl) and old.file is not None:
        return old.file == new.file
    return old == new


def _built_from(destination: Destination, settings: Settings) -> tuple[object, ...]:
    names, times = destination.include_segment_names, destination.include_segment_timestamps
    entries = [settings.catalogue.get(segment.key) for segment in destination.segments]
    sent = [
        entry and (entry.name if names else None, (entry.created_at, entry.updated_at) if times else None)
        for entry in entries
    ]
    plain = destination.model_copy(update={"description": ""})
    return plain, sent if names or times else None, settings.max_event_bytes
