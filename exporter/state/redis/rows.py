"""Turns letters and filters into arguments of scripts, and replies of Redis into letters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.redis_server.server import Argument
from exporter.state.letter import Answered, Filter, Letter, StorableLetter, Summary, size_bytes, storable
from exporter.state.port import Totals

#: The fields of a letter on a page of ``SELECT``, in order.
_SUMMARY: Final = (
    b"group lane position destination profile event reason detail status attempts first_at at superseded replay"
).split()
#: The fields of a letter with its answer, in order.
ANSWERED: Final = (*_SUMMARY, b"answer")


def packed(letter: StorableLetter) -> tuple[Argument, ...]:
    """The arguments of ``PUT`` for a letter."""
    profile, status = letter.profile_id, letter.status
    return (
        letter.group,
        letter.lane,
        letter.position,
        letter.destination,
        int(profile is not None),
        profile or "",
        letter.event_id,
        letter.reason,
        letter.detail,
        "" if status is None else status,
        letter.attempts,
        repr(letter.first_at),
        repr(letter.at),
        letter.answer,
        letter.body,
        size_bytes(letter),
        int(letter.superseded),
    )


def criteria(which: Filter) -> tuple[Argument, ...]:
    """The arguments of ``SELECT`` for a filter."""
    return (
        which.destination or "",
        which.reason or "",
        "" if which.profile_id is None else f"+{storable(which.profile_id)}",
        "" if which.since is None else repr(float(which.since)),
        "" if which.until is None else repr(float(which.until)),
        "" if which.superseded is None else int(which.superseded),
    )


def totals_of(said: Sequence[bytes | None]) -> Totals:
    """Letters and bytes; 0 for a missing value."""
    return Totals(*(int(each or 0) for each in said))


def with_totals(flat: Sequence[bytes]) -> dict[str, Totals]:
    """Letters and bytes by name, from the fields ``<name>:letters`` and ``<name>:bytes`` of a hash and their values."""
    kept: dict[str, Totals] = {}
    for field, value in zip(flat[::2], flat[1::2], strict=True):
        name, _, what = field.decode().rpartition(":")
        kept[name] = kept.get(name, Totals())._replace(**{what: int(value)})
    return kept


def summary_of(letter_id: int, row: Sequence[bytes | None]) -> Summary:
    """The summary of a letter on a page of ``SELECT``."""
    return Summary(id=letter_id, **_summary(dict(zip(_SUMMARY, row, strict=True))))


def answered_of(letter_id: int, row: Sequence[bytes | None]) -> Answered:
    """The letter whose fields are ``ANSWERED``."""
    fields = dict(zip(ANSWERED, row, strict=True))
    return Answered(id=letter_id, **_summary(fields), answer=(fields[b"answer"] or b"").decode())


def letter_of(letter_id: int, flat: Sequence[bytes]) -> Letter:
    """A whole letter from the fields and values of its hash."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return Letter(id=letter_id, **_summary(fields), body=fields[b"body"], answer=fields[b"answer"].decode())


def _summary(fields: Mapping[bytes, Any]) -> dict[str, Any]:
    profile, status = fields.get(b"profile"), fields.get(b"status")
    return {
        "group": fields[b"group"].decode(),
        "lane": fields[b"lane"].decode(),
        "position": int(fields[b"position"]),
        "destination": fields[b"destination"].decode(),
        "profile_id": None if profile is None else profile.decode(),
        "event_id": fields[b"event"].decode(),
        "reason": fields[b"reason"].decode(),
        "detail": fields[b"detail"].decode(),
        "status": None if status is None else int(status),
        "attempts": int(fields[b"attempts"]),
        "first_at": float(fields[b"first_at"]),
        "at": float(fields[b"at"]),
        "superseded": fields[b"superseded"] == b"1",
        "replay": fields[b"replay"].decode(),
    }
