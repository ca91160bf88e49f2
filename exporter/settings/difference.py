"""What a new configuration changes, for a reload (contract.md#configuration)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from exporter.redis_server.url import RedisUrl
from exporter.sections.section import Secret
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings

#: What can't change while the daemon runs.
NEED_RESTART = ("queue", "state", "ops")
#: What the daemon as a whole takes over at once, without touching a dataflow.
LIVE = ("drain", "memory")


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of destinations in the order of the new configuration (``removed``: of the old one).

    A destination that is switched off counts as not there. ``needs_restart``, ``live`` and ``stale`` are top-level
    keys; ``stale`` are those that can't change while the daemon runs, and that only differ in what files hold.
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

    A destination changed if anything of it did that a dataflow is built from: its own settings, secrets
    included; what the catalogue says of the segments it maps, where it sends names or timestamps; and
    ``max_event_bytes``, which bounds what every dataflow reads. Its description is for people and changes nothing.
    """
    before = {destination.name: destination for destination in old.running}
    after = {destination.name: destination for destination in new.running}
    both = [name for name in after if name in before]
    differing = [key for key in NEED_RESTART if getattr(old, key) != getattr(new, key)]
    stale = [key for key in differing if _same_but_for_files(getattr(old, key), getattr(new, key))]
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


def _same_but_for_files(old: object, new: object) -> bool:
    """Whether the same files are named, whatever they hold, and everything else is equal."""
    if isinstance(old, BaseModel) and type(old) is type(new):
        fields = type(old).model_fields
        return all(_same_but_for_files(getattr(old, name), getattr(new, name)) for name in fields)
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
