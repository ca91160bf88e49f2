"""How the command shows dead letters: as a JSON object, a row of a table, or a whole letter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from exporter.cli.shared.look.table import Column, Row
from exporter.cli.shared.shown import body_object, body_text, fields_text, shortened, shown_value, time_text
from exporter.sections.printable import printable
from exporter.state.letter import Letter, Summary

#: The columns of a list.
COLUMNS: Final = (
    Column("ID", right=True),
    Column("AT", spare=3),
    Column("DESTINATION", folds=12, eases=64),
    Column("REASON", folds=10),
    Column("STATUS", right=True),
    Column("TRIES", right=True, spare=5),
    Column("PROFILE", spare=6),
    Column("EVENT", spare=7),
    Column("ANSWER", folds=14),
    Column("NOTE", folds=16, spare=4, if_any=True),
)
#: The begin of an answer, for a line on a terminal.
_ANSWER_CHARACTERS: Final = 80


def as_object(letter: Summary, answers: Mapping[int, str]) -> dict[str, Any]:
    """A letter in the form of ``list --json``, with its answer of ``answers`` by id; times are RFC 3339."""
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
        "answer": answers.get(letter.id, ""),
    }


def whole_object(letter: Letter) -> dict[str, Any]:
    """``as_object`` with the event: as JSON where the event is JSON, as text otherwise."""
    return {**as_object(letter, {letter.id: letter.answer}), **body_object(letter.body)}


def row(letter: Summary, answers: Mapping[int, str], configured: Collection[str], *, is_whole: bool) -> Row:
    """The cells of a letter; ``is_whole``: nothing is shortened.

    Letters of destinations that are not ``configured`` are told apart.
    """
    note = [] if letter.destination in configured else ["destination not configured"]
    note += ["superseded"] if letter.superseded else []
    note += ["replay asked for"] if letter.replay != "none" else []
    answer = printable(answers.get(letter.id, "")) or printable(f"none: {letter.detail}")
    cut = shown_value if is_whole else shortened
    return (
        str(letter.id),
        time_text(letter.at),
        printable(letter.destination),
        letter.reason,
        shown_value(letter.status),
        str(letter.attempts),
        cut(letter.profile_id),
        cut(letter.event_id),
        answer if is_whole or len(answer) <= _ANSWER_CHARACTERS else f"{answer[: _ANSWER_CHARACTERS - 1]}…",
        ", ".join(note),
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
