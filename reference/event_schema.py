"""docs/event.schema.json: the JSON Schema of an event, from the shapes by which it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from exporter.profile.event.shapes import Changes, Event

#: Marks a message as an envelope, and is no part of an event.
ENVELOPE_ONLY: Final = "specversion"
#: Read where tracing is on, from the message itself.
TRACE: Final = ("traceparent", "tracestate")

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "profileId": "Whose change this is. Opaque: compared as it is, case included.",
    "profile": "The profile after the change, in XDM: attributes, segmentMembership, identityMap.",
    "changes": "What changed; null and absent mean that nothing did.",
    "id": "Unique for each change; where it is absent, one is made from the place on the queue.",
    "occurredAt": "When the change happened: RFC 3339, or epoch seconds or milliseconds. Unreadable, it never costs the export.",
    "destination": "The event concerns this destination only; all others exclude it.",
    "traceparent": "The trace that the event stands in, by W3C Trace Context.",
    "tracestate": "As traceparent.",
    "segments": "Memberships that changed.",
    "identities": "The namespaces of identityMap that changed, or true for some of them.",
    "attributes": "The XDM paths that were written, whether or not the value is another one.",
    "backfill": "Export the profile although no trigger says so.",
    "joined": "The ids of the profiles that this profile has absorbed.",
    "SegmentChange.id": "The segment; need not be a UUID.",
    "SegmentChange.namespace": "The key under segmentMembership.",
    "SegmentChange.from": "The membership before; null: was never in it; absent: not known.",
    "SegmentChange.to": "The membership now.",
}


def event_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of an event; keys that it does not name are ignored by whoever reads events."""
    (changes,), definitions = msgspec.json.schema_components([Changes], ref_template="#/$defs/{name}")
    for name, definition in definitions.items():
        definition["description"] = _OF_DEFINITION[name]
        for key, schema in definition["properties"].items():
            schema["description"] = DESCRIPTIONS[f"{name}.{key}" if name == "SegmentChange" else key]
    named: Mapping[str, Mapping[str, Any]] = {
        "profileId": {"type": "string", "minLength": 1},
        "id": {"type": ["string", "null"], "minLength": 1},
        "destination": {"type": ["string", "null"]},
        "changes": {"anyOf": [changes, {"type": "null"}]},
        "profile": {"type": "object"},
    }
    keys = [field.encode_name for field in msgspec.structs.fields(Event) if field.encode_name != ENVELOPE_ONLY]
    properties = {key: {"description": DESCRIPTIONS[key], **named.get(key, {})} for key in (*keys, *TRACE)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of exporter",
        "description": "One change of one profile, with the profile after it. The same object may be data of a CloudEvents 1.0 event.",
        "type": "object",
        "properties": properties,
        "required": ["profileId", "profile"],
        "$defs": definitions,
    }


_OF_DEFINITION: Final = {
    "Changes": "What changed: null and absent mean that nothing of the kind did.",
    "SegmentChange": "A membership that changed.",
}
