"""A test event: a made-up event for one destination, which is really sent."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from exporter.profile.decision import Fired
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.paths import PathTree, parse_path, tree
from exporter.profile.triggers import compile_triggers
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings

#: The value of every attribute of the made-up profile.
VALUE: Final = "exporter-test"


@dataclass(frozen=True, slots=True)
class MadeEvent:
    """The bytes of a test event; ``mark`` is its id and that of its profile, and begins with ``test:``."""

    mark: str
    body: bytes


def made_event(destination: Destination, settings: Settings) -> MadeEvent | str:
    """A new event, whose profile is in every mapped segment and has every mapped attribute.

    Or why the destination would not send it, for people.
    """
    mark = f"test:{secrets.token_hex(8)}"
    body = json.dumps(document(destination, mark), ensure_ascii=False).encode("utf-8", "surrogatepass")
    change = read(body, int(settings.max_event_bytes))
    if not isinstance(change, Change):
        return f"the event would be malformed: {change}"
    if not isinstance(compile_triggers(destination.mapping(settings.catalogue, {}))(change), Fired):
        return f"{destination.name} maps no segment and has require_membership on, so it sends no profile"
    return MadeEvent(mark, body)


def document(destination: Destination, mark: str) -> dict[str, Any]:
    """The event ``mark``, of the profile ``mark``."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    memberships: dict[str, dict[str, Any]] = {}
    for segment in destination.segments:
        entry = {"lastQualificationTime": now, "status": "realized"}
        memberships.setdefault(segment.namespace, {})[segment.id] = entry
    profile = _values(tree(parse_path(path) for path in destination.attributes))
    profile["identityMap"] = {VALUE: [{"id": mark}]}
    if memberships:
        profile["segmentMembership"] = memberships
    return {
        "id": mark,
        "profileId": mark,
        "occurredAt": now,
        "destination": destination.name,
        "changes": {"backfill": True},
        "profile": profile,
    }


def _values(paths: PathTree) -> dict[str, Any]:
    return {step: VALUE if below is None else _values(below) for step, below in paths.items()}
