"""How the command shows dead letters: as a JSON object, a row of a table, or a whole letter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from exporter.cli.shared.shown import body_object, body_text, fields_text, shortened, shown_value, time_text
from exporter.cli.shared.table import table
from exporter.sections.printable import printable
from exporter.state.letter import Letter, Summary

_HEAD = ("ID", "AT", "DESTINATION", "REASON", "STATUS", "TRIES", "PROFILE", "EVENT", "NOTE")


def as_object(letter: Summary) -> dict[str, Any]:
    """A letter in the form of ``list --json``; times are RFC 3339."""
    return {
        "id": letter.id,
        "destination": letter.destination,
        "profileId": letter.profile_id,
        "event": letter.event_id,
        "reason": letter.reason,
        "detail": letter.detail,
        "status": letter.status,
        "attempts": letter.attempts,
        "firstAt": time_text(letter.first_at),
        "at": time_text(letter.at),
        "superseded": letter.superseded,
        "replay": letter.replay,
        "group": letter.group,
        "lane": letter.lane,
        "position": letter.position,
    }


def whole_object(letter: Letter) -> dict[str, Any]:
    """``as_object`` with the answer and the event: as JSON where the event is JSON, as text otherwise."""
    return {**as_object(letter), "answer": letter.answer, **body_object(letter.body)}


def rows(letters: Sequence[Summary], configured: Collection[str]) -> str:
    """A table of letters; those of destinations that are not ``configured`` are told apart."""
    return table(
        _HEAD,
        (_row(letter, letter.destination in configured) for letter in letters),
        right=frozenset({"ID", "STATUS", "TRIES"}),
    )


def whole(letter: Letter) -> str:
    """Everything that is kept of a letter, for people."""
    shown = {
        "id": str(letter.id),
        "destination": letter.destination,
        "profile": shown_value(letter.profile_id),
        "event": shown_value(letter.event_id),
        "reason": letter.reason,
        "detail": printable(letter.detail),
        "status": shown_value(letter.status),
        "attempts": str(letter.attempts),
        "first attempt": time_text(letter.first_at),
        "given up": time_text(letter.at),
        "superseded": "yes: a later state of the profile was delivered" if letter.superseded else "no",
        "replay": letter.replay.replace("_", ", also when ") if letter.replay != "none" else "not asked for",
        "queue": f"group {letter.group}, lane {letter.lane}, position {letter.position}",
        "answer": printable(letter.answer) or "-",
    }
    return "\n".join([fields_text(shown), "", body_text(letter.body)])


def _row(letter: Summary, is_configured: bool) -> tuple[str, ...]:
    note = [] if is_configured else ["destination not configured"]
    note += ["superseded"] if letter.superseded else []
    note += ["replay asked for"] if letter.replay != "none" else []
    return (
        str(letter.id),
        time_text(letter.at),
        letter.destination,
        letter.reason,
        shown_value(letter.status),
        str(letter.attempts),
        shortened(letter.profile_id),
        shortened(letter.event_id),
        ", ".join(note) or printable(letter.detail)[:60],
    )
