"""Names unknown keys of events, each with a guess of the key that was meant; the daemon ignores unknown keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from exporter.cli.events.event_file import Found
from exporter.profile.event.shapes import Changes, Envelope, Event, SegmentChange
from exporter.sections.printable import printable
from exporter.settings.loading.suggestions import guess

#: Keys that the contract has and the shapes do not read.
_TRACE = ("traceparent", "tracestate")
_EVENT = (*(field.encode_name for field in msgspec.structs.fields(Event)), *_TRACE)
_CHANGES = tuple(field.encode_name for field in msgspec.structs.fields(Changes))
_SEGMENT = tuple(field.encode_name for field in msgspec.structs.fields(SegmentChange))
_ENVELOPE = (
    *(field.encode_name for field in msgspec.structs.fields(Envelope)),
    *_TRACE,
    *("source", "type", "datacontenttype", "dataschema"),
)
#: Keys of a profile that are more than attributes; a key that is not very close to these keys is an attribute.
_PARTS = ("segmentMembership", "identityMap")
_VERY_CLOSE = 0.85
_LONGEST_KEY = 100


class UnknownKeys:
    """The unknown keys of many events, each told once."""

    def __init__(self) -> None:
        self._seen: dict[str, list[Any]] = {}  # by note: the first place and the count

    def look(self, found: Found) -> None:
        """Note the unknown keys of an event; a text that is no event has none."""
        try:
            event = json.loads(found.body)
        except (ValueError, RecursionError):
            return
        for note in dict.fromkeys(_unknown(event)):
            self._seen.setdefault(note, [found.place, 0])[1] += 1

    def notes(self) -> Iterator[str]:
        """A sentence for each unknown key."""
        for note, (place, count) in self._seen.items():
            more = f" ({count} events have it)" if count > 1 else ""
            yield f"{place}: {note}{more}"

    def __len__(self) -> int:
        return len(self._seen)


def _unknown(event: Any) -> Iterator[str]:
    if not isinstance(event, dict):
        return
    if event.get("specversion") is None:
        yield from _of_event(event, "")
        return
    for key in event:
        # Extensions of an envelope may have any name.
        if key not in _ENVELOPE and (hint := guess(key, _ENVELOPE, _VERY_CLOSE)):
            yield _told(key, hint)
    if isinstance(data := event.get("data"), dict):
        yield from _of_event(data, "data.")


def _of_event(event: Mapping[str, Any], prefix: str) -> Iterator[str]:
    yield from _beyond(event, _EVENT, prefix)
    if isinstance(changes := event.get("changes"), dict):
        yield from _beyond(changes, _CHANGES, f"{prefix}changes.")
        segments = changes.get("segments")
        for segment in segments if isinstance(segments, list) else ():
            if isinstance(segment, dict):
                yield from _beyond(segment, _SEGMENT, f"{prefix}changes.segments[].")
    if isinstance(profile := event.get("profile"), dict):
        for key in profile:
            if key not in _PARTS and (hint := guess(key, _PARTS, _VERY_CLOSE)):
                yield f"{prefix}profile.{printable(key)[:_LONGEST_KEY]} is an attribute{hint}"


def _beyond(part: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> Iterator[str]:
    yield from (_told(prefix + key, guess(key, known)) for key in part if key not in known)


def _told(path: str, hint: str) -> str:
    return f"{printable(path)[:_LONGEST_KEY]} is not known and ignored{hint}"
