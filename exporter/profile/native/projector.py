"""Reads, decides and builds in one pass, in C, where the build has that; the Python code stays the definition.

The projector answers only for events of which it is certain, so whoever asks has the Python code answer for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, get_args

from exporter.profile.decision import Excluded, Reason
from exporter.profile.mapping import Mapping
from exporter.profile.native.plan import plan_of

if TYPE_CHECKING:
    from exporter.profile.native.projection import Projector

#: Of an event that is exported: the profile's and the event's id, when the change happened in epoch seconds, the
#: document, and the ids of the profiles that were joined. The event's id and the time are None where it has none.
Projected: TypeAlias = tuple[str, str | None, float | None, bytes, Sequence[str]]
#: From the bytes of an event to what becomes of it; None where only the Python code can tell.
Project: TypeAlias = Callable[[bytes], Projected | Excluded | None]

#: What the projector answers with, in the order of ``Verdict`` in ``changes.h``; no tombstone is an event.
_EXCLUDED = tuple(Excluded(reason) for reason in get_args(Reason) if reason != "tombstone")


def compile_projector(mapping: Mapping, max_bytes: int, native: type[Projector] | None = None) -> Project | None:
    """Compile the projector of a destination; None without the native one, or for a mapping that it cannot serve.

    Args:
        max_bytes: ``max_event_bytes``; larger events are left to Python.
        native: the native one; that of the build, unless a test gives another.
    """
    native = native or built()
    plan = None if native is None else plan_of(mapping, max_bytes)
    if native is None or plan is None:
        return None
    try:
        return native(plan, _EXCLUDED).project
    except ValueError:  # more steps than anybody maps, or attributes under a name that is a part's
        return None


def built() -> type[Projector] | None:
    """The native projector of the build; None where the build has none."""
    try:
        from exporter.profile.native.projection import Projector
    except ImportError:
        return None
    return Projector
