"""The shapes that a message on the queue may have: a native event, or an event in a CloudEvents 1.0 envelope."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Status: TypeAlias = Literal["realized", "existing", "exited"]

#: A part that is not there. Compared by identity: a decoder that finds the part makes a new object.
ABSENT = msgspec.Raw()


class SegmentChange(msgspec.Struct, gc=False):
    """An entry of ``changes.segments`` (contract.md#the-event).

    ``before`` is UNSET where the event does not say; a ``namespace`` of None stands for ``ups``.
    """

    id: str
    to: Status
    before: Status | msgspec.UnsetType | None = msgspec.field(default=msgspec.UNSET, name="from")
    namespace: str | None = "ups"


class Changes(msgspec.Struct):
    """``changes``: null and absent mean that nothing of the kind changed."""

    segments: list[SegmentChange] | None = None
    identities: list[str] | bool | None = None
    attributes: list[str] | None = None
    backfill: bool | None = None
    joined: list[str] | None = None


class Event(msgspec.Struct, rename="camel"):
    """The event itself, as a message or as ``data`` of an envelope; the reader checks required fields."""

    profile_id: str | msgspec.UnsetType = msgspec.UNSET
    id: str | None = None
    occurred_at: str | float | None = None
    destination: str | None = None
    changes: Changes | None = None
    profile: msgspec.Raw = ABSENT
    specversion: msgspec.Raw = ABSENT


class AnyTime(Event, rename="camel"):
    """An event whose time may be anything: a wrong time never makes the event malformed."""

    occurred_at: msgspec.Raw = ABSENT  # type: ignore[assignment]


class Envelope(msgspec.Struct):
    """A CloudEvents 1.0 event in JSON; an attribute that ``data`` makes needless may have any type."""

    specversion: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    subject: msgspec.Raw = ABSENT
    time: msgspec.Raw = ABSENT
    data: msgspec.Raw = ABSENT
    data_base64: msgspec.Raw = ABSENT


class Names(Envelope, rename={"profile_id": "profileId"}):
    """Where an event of any kind may have its ids."""

    profile_id: msgspec.Raw = ABSENT


def is_absent(raw: msgspec.Raw) -> bool:
    """Whether a part is not there, or null."""
    return bytes(raw) in (b"", b"null")


EVENT = msgspec.json.Decoder(Event)
ANY_TIME = msgspec.json.Decoder(AnyTime)
ENVELOPE = msgspec.json.Decoder(Envelope)
NAMES = msgspec.json.Decoder(Names)
TEXT = msgspec.json.Decoder(str)
TIME: msgspec.json.Decoder[str | float] = msgspec.json.Decoder(str | float)
