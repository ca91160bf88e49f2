"""A letter as every kind of store writes letters: texts made storable, and the size. Pure."""

from __future__ import annotations

from typing import Final, TypedDict

from exporter.sections.printable import printable
from exporter.state.letter import NewLetter, shown_answer, shown_detail

#: The size of a letter beside the counted bytes, roughly: numbers, indexes, the group's name.
OVERHEAD_BYTES: Final = 256


class Fields(TypedDict):
    """The stored fields of a new letter; ``bytes`` counts against the bound, ``superseded`` is 0 or 1."""

    group_name: str
    lane: str
    position: int
    destination: str
    profile_id: str | None
    event_id: str
    reason: str
    detail: str
    status: int | None
    attempts: int
    first_at: float
    at: float
    superseded: int
    answer: str
    body: bytes
    bytes: int


def storable(text: str) -> str:
    """``text``, made printable where lone surrogates would keep the text from being stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return printable(text)
    return text


def fields_of(letter: NewLetter) -> Fields:
    """The stored fields of ``letter``."""
    profile_id = None if letter.profile_id is None else storable(letter.profile_id)
    event_id, detail, answer = storable(letter.event_id), shown_detail(letter.detail), shown_answer(letter.answer)
    texts = (letter.lane, profile_id or "", event_id, detail, answer)
    return {
        "group_name": letter.group,
        "lane": letter.lane,
        "position": letter.position,
        "destination": letter.destination,
        "profile_id": profile_id,
        "event_id": event_id,
        "reason": letter.reason,
        "detail": detail,
        "status": letter.status,
        "attempts": letter.attempts,
        "first_at": letter.first_at,
        "at": letter.at,
        "superseded": int(letter.superseded),
        "answer": answer,
        "body": letter.body,
        "bytes": OVERHEAD_BYTES + len(letter.body) + sum(len(text.encode()) for text in texts),
    }
