"""Reads an event of the queue: a change, or the reason why the event is malformed."""

from __future__ import annotations

import re

import msgspec

from exporter.profile.decision import Excluded
from exporter.profile.event.change import Change
from exporter.profile.event.lone_surrogates import REASON, Mended, mended
from exporter.profile.event.other_formats import foreign
from exporter.profile.event.readable_ids import names_in
from exporter.profile.event.shapes import (
    ABSENT,
    ANY_TIME,
    ENVELOPE,
    EVENT,
    NAMES,
    TEXT,
    TIME,
    Changes,
    Envelope,
    Event,
    is_absent,
)
from exporter.profile.event.soundness import unsound
from exporter.profile.event.times import moment, parse_time
from exporter.profile.malformed import Malformed, refused, wrong_kind

_NO_CHANGES = Changes()
_BRACE = ord("{")
_TOMBSTONE = Excluded("tombstone")
#: CloudEvents 1.0, also where a producer gives the patch of the specification's text.
_VERSION = re.compile(rb'"1\.0(?:\.[0-9]+)?"')


def read(body: bytes, max_bytes: int) -> Change | Excluded | Malformed:
    """Read an event, native or in a CloudEvents 1.0 envelope, without looking into the profile.

    Args:
        body: the bytes of the message on the queue; an empty message is a tombstone, and excluded.
        max_bytes: ``max_event_bytes``; a larger message is malformed.
    """
    fault = unsound(body, max_bytes)
    if fault is None:
        found = _read(body)
        if isinstance(found, Change):
            return found
        if not body:
            return _TOMBSTONE
        mend = mended(body)
        if mend is not None:
            found = _read(mend.body)
            if isinstance(found, Change):
                found = _with_halves(found, mend)
            if isinstance(found, Change):
                return found
        fault = found
    profile_id, event_id = names_in(body)
    if len(body) <= max_bytes:
        fault = foreign(body) or fault
    return Malformed(fault.place, fault.reason, profile_id, event_id)


def _read(body: bytes) -> Change | Malformed:
    try:
        event = EVENT.decode(body)
    except msgspec.ValidationError as error:
        # An envelope's extensions may be called `changes` or `profile` too, and be of any type.
        if _is_envelope(body):
            return _from_envelope(body)
        found = _with_any_time(body, body, error, "")
        if isinstance(found, Malformed):
            return found
        event = found
    except msgspec.DecodeError as error:
        return refused(body, error)
    if event.specversion is not ABSENT and bytes(event.specversion) != b"null":
        return _from_envelope(body)
    return _change(event, "", None)


def _with_any_time(
    part: bytes | msgspec.Raw, body: bytes, error: msgspec.ValidationError, prefix: str
) -> Event | Malformed:
    """The event in ``part`` of ``body`` if only the time has a wrong type; the time then counts as unreadable."""
    if "`$.occurredAt" not in str(error):
        return refused(body, error, prefix)
    try:
        event: Event = ANY_TIME.decode(part)
    except msgspec.DecodeError as other:
        return refused(body, other, prefix)
    event.occurred_at = ""
    return event


def _is_envelope(body: bytes) -> bool:
    try:
        return not is_absent(ENVELOPE.decode(body).specversion)
    except msgspec.DecodeError:
        return False


def _from_envelope(body: bytes) -> Change | Malformed:
    """Read the event in ``data``; the event's own fields win over the envelope's id, subject and time."""
    envelope = ENVELOPE.decode(body)
    if not _VERSION.fullmatch(bytes(envelope.specversion)):
        return Malformed("specversion", 'must be "1.0"')
    if is_absent(envelope.data):
        if is_absent(envelope.data_base64):
            return Malformed("data", "is missing")
        return Malformed("data_base64", "is not accepted: the event must be an object in data")
    if wrong := wrong_kind("object", bytes(envelope.data)):
        return Malformed("data", wrong)
    try:
        event = EVENT.decode(envelope.data)
    except msgspec.ValidationError as error:
        found = _with_any_time(envelope.data, body, error, "data")
        if isinstance(found, Malformed):
            return found
        event = found
    return _fill(event, envelope) or _change(event, "data.", envelope.time)


def _fill(event: Event, envelope: Envelope) -> Malformed | None:
    """Take the ids that ``event`` lacks from the envelope. Attributes that are not needed are not looked at."""
    for name, lacking, raw in (
        ("id", event.id is None, envelope.id),
        ("subject", event.profile_id is msgspec.UNSET, envelope.subject),
    ):
        if not lacking or is_absent(raw):
            continue
        if wrong := wrong_kind("str", bytes(raw)):
            return Malformed(name, wrong)
        text = TEXT.decode(raw)
        if not text:
            return Malformed(name, "must not be empty")
        if name == "id":
            event.id = text
        else:
            event.profile_id = text
    return None


def _change(event: Event, prefix: str, envelope_time: msgspec.Raw | None) -> Change | Malformed:
    profile_id = event.profile_id
    if not profile_id:
        return Malformed(f"{prefix}profileId", "must not be empty" if profile_id == "" else "is missing")
    if event.id == "":
        return Malformed(f"{prefix}id", "must not be empty")
    given = event.occurred_at
    occurred_at = parse_time(given) if isinstance(given, str) else None
    odd_time = False
    if occurred_at is None:
        if given is not None:
            occurred_at = moment(given)
            odd_time = occurred_at is None
        if occurred_at is None and envelope_time is not None and not is_absent(envelope_time):
            occurred_at = _moment_of(bytes(envelope_time))
            odd_time = occurred_at is None
    profile = bytes(event.profile)
    if not profile:
        return Malformed(f"{prefix}profile", "is missing")
    if profile[0] != _BRACE and (wrong := wrong_kind("object", profile)):
        return Malformed(f"{prefix}profile", wrong)
    changes = event.changes or _NO_CHANGES
    # By position, for each event: with keywords the call takes half as long again.
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
        odd_time,
        changes.joined or (),
    )


def _moment_of(raw: bytes) -> float | None:
    try:
        return moment(TIME.decode(raw))
    except msgspec.DecodeError:
        return None


def _with_halves(change: Change, mend: Mended) -> Change | Malformed:
    """The change of a mended event; malformed where a half stands in an id. Others matter only in the document."""
    profile_id, event_id, prefix = _id_places(mend.body)
    ids = [(profile_id, change.profile_id), (event_id, change.id or "")]
    for number, segment in enumerate(change.segments):
        ids.append((f"{prefix}changes.segments[{number}].id", segment.id))
        ids.append((f"{prefix}changes.segments[{number}].namespace", segment.namespace or ""))
    ids += [(f"{prefix}changes.joined[{number}]", each) for number, each in enumerate(change.joined)]
    for place, text in ids:
        if mend.stand_in in text:
            return Malformed(place, REASON)
    return msgspec.structs.replace(change, stand_in=mend.stand_in)


def _id_places(body: bytes) -> tuple[str, str, str]:
    """The places of the profile's id and of the event's id in a sound event, and the prefix of all other places."""
    if not _is_envelope(body):
        return "profileId", "id", ""
    inner = NAMES.decode(ENVELOPE.decode(body).data)
    return (
        "subject" if is_absent(inner.profile_id) else "data.profileId",
        "id" if is_absent(inner.id) else "data.id",
        "data.",
    )
