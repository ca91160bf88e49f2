"""How the command shows dead letters: as a JSON object, a row of a table, or a whole letter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.cli.shared.table import table
from exporter.sections.printable import printable
from exporter.state.letter import Letter, Summary

_HEAD = ("ID", "AT", "DESTINATION", "REASON", "STATUS", "TRIES", "PROFILE", "EVENT", "NOTE")
_HALF = re.compile("[\ud800-\udfff]")
#: Ids are opaque and may be long; the whole id is in the JSON and in ``show``.
_ID_CHARACTERS = 36


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
        "firstAt": _time(letter.first_at),
        "at": _time(letter.at),
        "superseded": letter.superseded,
        "replay": letter.replay,
        "group": letter.group,
        "lane": letter.lane,
        "position": letter.position,
    }


def whole_object(letter: Letter) -> dict[str, Any]:
    """``as_object`` with the answer and the event: as JSON where the event is JSON, as text otherwise."""
    event = _parsed(letter.body)
    body = {"bodyText": printable(letter.body)} if event is None else {"body": event[0]}
    return {**as_object(letter), "answer": letter.answer, **body}


def json_text(shown: dict[str, Any]) -> str:
    """An object as a line of JSON; all in ASCII where the event holds half a surrogate pair, which is no text."""
    text = json.dumps(shown, ensure_ascii=False)
    return text if not _HALF.search(text) else json.dumps(shown)


def rows(letters: Sequence[Summary]) -> str:
    """A table of letters."""
    return table(_HEAD, (_row(letter) for letter in letters), right=frozenset({"ID", "STATUS", "TRIES"}))


def whole(letter: Letter) -> str:
    """Everything that is kept of a letter, for people."""
    shown = {
        "id": str(letter.id),
        "destination": letter.destination,
        "profile": _shown(letter.profile_id),
        "event": _shown(letter.event_id),
        "reason": letter.reason,
        "detail": printable(letter.detail),
        "status": _shown(letter.status),
        "attempts": str(letter.attempts),
        "first attempt": _time(letter.first_at),
        "given up": _time(letter.at),
        "superseded": "yes: a later state of the profile was delivered" if letter.superseded else "no",
        "replay": letter.replay.replace("_", ", also when ") if letter.replay != "none" else "not asked for",
        "queue": f"group {letter.group}, lane {letter.lane}, position {letter.position}",
        "answer": printable(letter.answer) or "-",
    }
    width = max(map(len, shown))
    event = _parsed(letter.body)
    text = (
        printable(letter.body)
        if event is None
        # Characters that JSON leaves unescaped may still turn a terminal's text around, so line by line.
        else "\n".join(printable(line) for line in json.dumps(event[0], ensure_ascii=False, indent=2).splitlines())
    )
    return "\n".join([*(f"{name:<{width}}  {value}" for name, value in shown.items()), "", text])


def _row(letter: Summary) -> tuple[str, ...]:
    note = ["superseded"] if letter.superseded else []
    note += ["replay asked for"] if letter.replay != "none" else []
    return (
        str(letter.id),
        _time(letter.at),
        letter.destination,
        letter.reason,
        _shown(letter.status),
        str(letter.attempts),
        _shortened(letter.profile_id),
        _shortened(letter.event_id),
        ", ".join(note) or printable(letter.detail)[:60],
    )


def _parsed(body: bytes) -> tuple[Any] | None:
    """The event in a tuple of its own, since the event may be ``null``; None where the body is no JSON."""
    try:
        return (json.loads(body, parse_constant=_refuse),)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _shown(value: object) -> str:
    return "-" if value is None else printable(str(value))


def _shortened(text: str | None) -> str:
    shown = _shown(text)
    return shown if len(shown) <= _ID_CHARACTERS else shown[: _ID_CHARACTERS - 1] + "…"


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
