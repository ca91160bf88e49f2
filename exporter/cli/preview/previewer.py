"""The outcome of an event for a destination, and the outcome in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any, Final, Literal

import orjson

from exporter.cli.events.event_file import Found
from exporter.cli.preview.request_text import ShownRequest, as_curl, as_http, as_http_to_read, as_json
from exporter.profile.decision import Excluded, Fired, Trigger
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.export_headers import idempotency_key, position_value
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import Mapping
from exporter.profile.triggers import compile_triggers
from exporter.sections.printable import counted, printable
from exporter.settings.loading.load import Loaded
from exporter.settings.masking import Masking, masking
from exporter.settings.presented_secrets import prepare
from exporter.settings.segments import SegmentKey
from exporter.settings.tree import Destination
from exporter.state.kinds import known_mapping_times

#: Stands for the queue's lane in ``Exporter-Position``; the position is the line.
LANE = "preview"


@dataclass(frozen=True, slots=True)
class Exported:
    """The event would be exported with ``request``."""

    triggers: tuple[Trigger, ...]
    request: ShownRequest


@dataclass(frozen=True, slots=True)
class Previewed:
    """A pair of event and destination. ``id_is_made``: the event has no id, ``event`` was made up.

    ``time_fault``: why the event has no time.
    """

    event: str
    id_is_made: bool
    time_fault: Literal["absent", "unreadable"] | None
    destination: str
    profile_id: str | None
    outcome: Exported | Excluded | Malformed


class Previewer:
    """A destination, compiled as in the daemon."""

    def __init__(self, destination: Destination, mapping: Mapping, masking: Masking) -> None:
        self._name = destination.name
        self._decide = compile_triggers(mapping)
        self._build = compile_payload(mapping)
        self._prepared = prepare(destination)
        self._authorization = destination.auth.presented
        self._masking = masking

    @classmethod
    def of(cls, loaded: Loaded, destination: Destination, note: Callable[[str], None]) -> Previewer:
        """``destination`` with the mapping times that a daemon noted; a new mapping counts from now."""
        wanted = destination.include_segment_timestamps
        noted = known_mapping_times(loaded.settings.state, destination.name) if wanted else {}
        now_ms = int(time.time() * 1000)
        times = {
            segment.key: noted[segment.key][0] if segment.key in noted else now_ms for segment in destination.segments
        }
        unknown = [one for one in destination.segments if one.mapping_created_at is None and one.key not in noted]
        if unknown and wanted:
            segments = counted(len(unknown), "segment that no daemon saw yet is", "segments that no daemon saw yet are")
            note(f"{destination.name}: {segments} shown as mapped just now")
        return cls.mapped_at(loaded, destination, times)

    @classmethod
    def mapped_at(cls, loaded: Loaded, destination: Destination, times: MappingOf[SegmentKey, int]) -> Previewer:
        """``destination`` with these mapping times, in epoch milliseconds, where the configuration names none."""
        return cls(destination, destination.mapping(loaded.settings.catalogue, times), masking(loaded, destination))

    def preview(self, found: Found, max_bytes: int) -> Previewed:
        """The outcome of an event of a file; an event larger than ``max_bytes`` is malformed."""
        made = f"{PurePath(found.file).name}:{found.line}"
        match read(found.body, max_bytes):
            case Change() as change:
                outcome = self._outcome(change, change.id or made, found.line)
                time_fault = _time_fault(change)
                return Previewed(
                    change.id or made, change.id is None, time_fault, self._name, change.profile_id, outcome
                )
            case Malformed(profile_id=profile_id, event_id=event_id) as malformed:
                return Previewed(event_id or made, event_id is None, None, self._name, profile_id, malformed)
            case Excluded() as excluded:
                return Previewed(made, True, None, self._name, None, excluded)

    def _outcome(self, change: Change, event: str, line: int) -> Exported | Excluded | Malformed:
        decision = self._decide(change)
        if not isinstance(decision, Fired):
            return decision
        body = self._build(change)
        if isinstance(body, Malformed):
            return body
        key = idempotency_key(self._name, event)
        request = self._prepared.request(self._authorization, key, position_value(LANE, line), body)
        return Exported(decision.triggers, ShownRequest.of(request, self._masking))


def _time_fault(change: Change) -> Literal["absent", "unreadable"] | None:
    if change.occurred_at is not None:
        return None
    return "unreadable" if change.odd_time else "absent"


def json_line(previewed: Previewed) -> bytes:
    """A JSON object (contract.md#the-command)."""
    line: dict[str, Any] = {
        "event": previewed.event,
        "destination": previewed.destination,
        "profileId": previewed.profile_id,
    }
    match previewed.outcome:
        case Exported(triggers, request):
            line |= {"exported": True, "triggers": triggers, "request": as_json(request)}
        case Excluded(reason):
            line |= {"exported": False, "reason": reason}
        case Malformed():
            line["malformed"] = str(previewed.outcome)
    return orjson.dumps(line)


def _commented(write: Callable[[ShownRequest], bytes], previewed: Previewed) -> bytes:
    """A line on the outcome, and the request as ``write`` writes it where there is a request."""
    what = f"# {previewed.event} to {previewed.destination}"
    match previewed.outcome:
        case Exported(triggers, request):
            return printable(f"{what}: exported ({', '.join(triggers)})").encode() + b"\n" + write(request) + b"\n"
        case Excluded(reason):
            return printable(f"{what}: not exported ({reason})").encode()
        case Malformed():
            return printable(f"{what}: malformed: {previewed.outcome}").encode()


def for_people(previewed: Previewed) -> str:
    """As the format http, for a terminal: the body is indented, and nothing in it can steer the terminal."""
    text = _commented(as_http_to_read, previewed).decode("utf-8", "backslashreplace")
    return "\n".join(map(printable, text.split("\n")))


#: An outcome in words, by the name of the format.
WRITTEN: Final[MappingOf[str, Callable[[Previewed], bytes]]] = {
    "http": partial(_commented, as_http),
    "curl": partial(_commented, as_curl),
    "json": json_line,
}
