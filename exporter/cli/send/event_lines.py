"""Reads events to put on the queue: tells good events, doubtful events and text that is no JSON apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from exporter.cli.events.event_file import Found
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed
from exporter.queues.port import Outgoing


@dataclass(frozen=True, slots=True)
class Line:
    """An event to put on the queue; ``doubt`` is why every dataflow will find the event malformed, if so.

    ``read_bytes`` counts the bytes of the file for this event, with line breaks and blank lines before the event.
    """

    place: str
    event: Outgoing
    doubt: str | None
    read_bytes: int


@dataclass(frozen=True, slots=True)
class NotJson:
    """The text at ``place`` cannot be an event."""

    place: str
    reason: str


def event_lines(events: Iterable[Found], max_event_bytes: int) -> Iterator[Line | NotJson]:
    """The kind of each event."""
    for found in events:
        read_event = read(found.body, max_event_bytes)
        if isinstance(read_event, Change):
            yield Line(found.place, Outgoing(read_event.profile_id, found.body), None, found.read_bytes)
            continue
        not_json = _why_no_json(found)
        if not_json is not None:
            yield not_json
            continue
        key = read_event.profile_id if isinstance(read_event, Malformed) else None
        yield Line(found.place, Outgoing(key, found.body), str(read_event), found.read_bytes)


def _why_no_json(found: Found) -> NotJson | None:
    """Why the text is no JSON (RFC 8259); None for JSON, even where the JSON can be no event."""
    try:
        json.loads(found.body.decode("utf-8"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"{found.file}:{found.line + error.lineno - 1}"
        return NotJson(place, f"{error.msg} at column {error.colno}")
    except UnicodeDecodeError as error:
        return NotJson(found.place, f"invalid UTF-8 at byte {error.start}")
    except ValueError as error:
        return NotJson(found.place, str(error))
    except RecursionError:
        return None  # nested deeper than the parser can follow
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
