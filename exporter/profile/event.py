"""Reads one event of the queue: a change, or what is wrong with it."""

from __future__ import annotations

import msgspec

from exporter.profile.change import Change
from exporter.profile.malformed import Malformed, refused, wrong_kind
from exporter.profile.shapes import (
    ABSENT,
    ENVELOPE,
    EVENT,
    NAMES,
    TEXT,
    Changes,
    Envelope,
    Event,
    Names,
)
from exporter.profile.soundness import unsound
from exporter.profile.times import parse_time

_NO_CHANGES = Changes()
_BRACE = ord("{")


def read(body: bytes, max_bytes: int) -> Change | Malformed:
    """Read an event, native or in a CloudEvents 1.0 envelope, without looking into its profile.

    Args:
        body: the message as it stands on the queue.
        max_bytes: ``max_event_bytes``; a larger message is malformed.
    """
    fault = unsound(body, max_bytes)
    if fault is None:
        found = _read(body)
        if isinstance(found, Change):
            return found
        fault = found
    profile_id, event_id = _names(body)
    return Malformed(fault.place, fault.reason, profile_id, event_id)


def _read(body: bytes) -> Change | Malformed:
    try:
        event = EVENT.decode(body)
    except msgspec.ValidationError as error:
        # An envelope's extensions may be called `changes` or `profile` too, and be of any type.
        return _from_envelope(body) if _is_envelope(body) else refused(body, error)
    except msgspec.DecodeError as error:
        return refused(body, error)
    if event.specversion is not ABSENT and bytes(event.specversion) != b"null":
        return _from_envelope(body)
    return _change(event, "")


def _is_envelope(body: bytes) -> bool:
    try:
        return not _is_absent(ENVELOPE.decode(body).specversion)
    except msgspec.DecodeError:
        return False


def _is_absent(raw: msgspec.Raw) -> bool:
    return bytes(raw) in (b"", b"null")


def _from_envelope(body: bytes) -> Change | Malformed:
    """Read the event in ``data``; what it says wins over the envelope's id, subject and time."""
    envelope = ENVELOPE.decode(body)
    if bytes(envelope.specversion) != b'"1.0"':
        return Malformed("specversion", 'must be "1.0"')
    if not _is_absent(envelope.data_base64):
        return Malformed("data_base64", "is not accepted: the event must be an object in data")
    if _is_absent(envelope.data):
        return Malformed("data", "is missing")
    if wrong := wrong_kind("object", bytes(envelope.data)):
        return Malformed("data", wrong)
    try:
        event = EVENT.decode(envelope.data)
    except msgspec.ValidationError as error:
        return refused(body, error, prefix="data")
    return _fill(event, envelope) or _change(event, "data.")


def _fill(event: Event, envelope: Envelope) -> Malformed | None:
    """Give ``event`` what it lacks and its envelope has. An attribute that is not needed is not looked at."""
    for name, lacking, raw in (
        ("id", event.id is None, envelope.id),
        ("subject", event.profile_id is msgspec.UNSET, envelope.subject),
        ("time", event.occurred_at is None, envelope.time),
    ):
        if not lacking or _is_absent(raw):
            continue
        if wrong := wrong_kind("str", bytes(raw)):
            return Malformed(name, wrong)
        text = TEXT.decode(raw)
        if not text:
            return Malformed(name, "must not be empty")
        match name:
            case "id":
                event.id = text
            case "subject":
                event.profile_id = text
            case _ if parse_time(text) is None:
                return Malformed(name, "is not an RFC 3339 date-time")
            case _:
                event.occurred_at = text
    return None


def _change(event: Event, prefix: str) -> Change | Malformed:
    profile_id = event.profile_id
    if not profile_id:
        return Malformed(f"{prefix}profileId", "must not be empty" if profile_id == "" else "is missing")
    if event.id == "":
        return Malformed(f"{prefix}id", "must not be empty")
    occurred_at = None
    if event.occurred_at is not None:
        occurred_at = parse_time(event.occurred_at)
        if occurred_at is None:
            return Malformed(f"{prefix}occurredAt", "is not an RFC 3339 date-time")
    profile = bytes(event.profile)
    if not profile:
        return Malformed(f"{prefix}profile", "is missing")
    if profile[0] != _BRACE and (wrong := wrong_kind("object", profile)):
        return Malformed(f"{prefix}profile", wrong)
    changes = event.changes or _NO_CHANGES
    return Change(
        event.id,
        profile_id,
        occurred_at,
        event.destination,
        changes.segments or (),
        bool(changes.identities),
        changes.attributes or (),
        bool(changes.backfill),
        profile,
    )


def _names(body: bytes) -> tuple[str | None, str | None]:
    """The profile's and the event's id of an event that is refused, as far as they can be read."""
    try:
        outer = NAMES.decode(body)
        inner = NAMES.decode(outer.data) if bytes(outer.data).startswith(b"{") else Names()
        if _is_absent(outer.specversion):
            return _name(outer.profile_id), _name(outer.id)
        return (
            _name(inner.profile_id) or _name(outer.subject),
            _name(inner.id) or _name(outer.id),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None


def _name(raw: msgspec.Raw) -> str | None:
    if not bytes(raw).startswith(b'"'):
        return None
    return TEXT.decode(raw) or None
