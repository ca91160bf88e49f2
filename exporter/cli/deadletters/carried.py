"""A dead letter as a line of JSON, with all that another state needs to go on with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from exporter.state.letter import Letter, NewLetter, Reason

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class NoLetter(Exception):
    """A line is no dead letter; the text says why, and nothing of what stands in it."""


class Carried(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One line. The event is text where it is UTF-8, ``eventBase64`` otherwise."""

    destination: _Text
    group: _Text
    lane: str
    position: _Number
    profile_id: str | None
    event: str
    reason: Reason
    detail: str
    status: _Number | None
    attempts: _Number
    first_at: Annotated[datetime, msgspec.Meta(tz=True)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    superseded: bool
    answer: str
    event_text: str | None = None
    event_base64: bytes | None = None


def line_of(letter: Letter) -> bytes:
    """The line of a letter, without its line break."""
    try:
        text, other = letter.body.decode(), None
    except UnicodeDecodeError:
        text, other = None, letter.body
    return msgspec.json.encode(
        Carried(
            destination=letter.destination,
            group=letter.group,
            lane=letter.lane,
            position=letter.position,
            profile_id=letter.profile_id,
            event=letter.event_id,
            reason=letter.reason,
            detail=letter.detail,
            status=letter.status,
            attempts=letter.attempts,
            first_at=datetime.fromtimestamp(letter.first_at, UTC),
            at=datetime.fromtimestamp(letter.at, UTC),
            superseded=letter.superseded,
            answer=letter.answer,
            event_text=text,
            event_base64=other,
        )
    )


def letter_in(line: bytes) -> NewLetter:
    """The letter in a line. Raises ``NoLetter``."""
    try:
        found = msgspec.json.decode(line, type=Carried)
    except msgspec.DecodeError as error:
        raise NoLetter(str(error)) from None
    if (found.event_text is None) == (found.event_base64 is None):
        raise NoLetter("Object needs one of `eventText` and `eventBase64`")
    return NewLetter(
        group=found.group,
        lane=found.lane,
        position=found.position,
        destination=found.destination,
        profile_id=found.profile_id,
        event_id=found.event,
        reason=found.reason,
        detail=found.detail,
        status=found.status,
        attempts=found.attempts,
        first_at=_seconds(found.first_at),
        at=_seconds(found.at),
        body=(found.event_base64 or b"") if found.event_text is None else found.event_text.encode(),
        answer=found.answer.encode(),
        superseded=found.superseded,
    )


def _seconds(moment: datetime) -> float:
    """Epoch seconds that can be shown as a date again. Raises ``NoLetter``."""
    try:
        seconds = moment.timestamp()
        datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        raise NoLetter("Expected `datetime` between the years 1 and 9999 in UTC") from None
    return seconds
