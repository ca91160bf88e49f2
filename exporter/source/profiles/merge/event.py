"""The profile as it is shown, and the event that tells a change, as bytes for the queue (contract.md#the-event)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from exporter.profile.event.soundness import unsound
from exporter.source.profiles.merge.change import Change, SegmentChange
from exporter.source.profiles.merge.leaves import Leaves, nested
from exporter.source.profiles.merge.memberships import entries
from exporter.source.profiles.merge.profile import Profile


def shown(profile: Profile, view: Leaves, at: int, attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The profile in XDM at ``at``, in epoch milliseconds: attributes, ``segmentMembership``, ``identityMap``.

    ``attributes`` are those of ``view``, where they are at hand.
    """
    entity = nested(view) if attributes is None else dict(attributes)
    if profile.members and (segments := entries(profile.members, at)):
        entity["segmentMembership"] = segments
    entity["identityMap"] = identity_map(profile)
    return entity


def identity_map(profile: Profile) -> dict[str, list[dict[str, Any]]]:
    """``identityMap``: all identities, by namespace."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in profile.identities:
        entry: dict[str, Any] = {"id": each.id, "primary": each.primary}
        if each.state is not None:
            entry["authenticatedState"] = each.state
        found.setdefault(each.namespace, []).append(entry)
    return found


def event_of(
    event_id: str,
    profile_id: str,
    occurred: str,
    change: Change,
    entity: Mapping[str, Any],
    max_bytes: int,
    backfilled_for: str | None = None,
) -> bytes | str:
    """The event; or, in a sentence, why no dataflow would read it: larger than ``max_bytes``, nested too deep, or with
    a number that JSON readers cannot hold.

    ``occurred`` is in RFC 3339; ``backfilled_for`` names the destination of a backfill.
    """
    event = {
        "id": event_id,
        "profileId": profile_id,
        "occurredAt": occurred,
        "destination": backfilled_for,
        "changes": {
            "segments": [_told(each) for each in change.segments] if change.segments else (),
            "identities": change.identities,
            "attributes": change.attributes,
            "joined": change.joined,
            "backfill": backfilled_for is not None,
        },
        "profile": entity,
    }
    try:
        body = orjson.dumps(event)
    except orjson.JSONEncodeError:
        return "its event would hold what JSON cannot: a whole number of more than 64 bits, or too many levels"
    wrong = unsound(body, max_bytes)
    if wrong is None:
        return body
    if len(body) > max_bytes:
        return f"its event would have {len(body)} bytes; max_event_bytes, or what the queue takes, is {max_bytes}"
    return f"its event would be {wrong.reason}"


def _told(each: SegmentChange) -> dict[str, str | None]:
    return {"namespace": each.namespace, "id": each.id, "from": each.before, "to": each.after}
