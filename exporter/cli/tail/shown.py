"""Attempts for people: one line each, and below it body and answer on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from exporter.cli.shared.status_text import duration_text
from exporter.sections.printable import printable

#: The colour of what followed, on a terminal.
COLOURS: Final[Mapping[str, str]] = {"retry": "yellow", "paused": "yellow", "let_go": "yellow", "dead_letter": "red"}
#: On a terminal, ids are cut to so many columns.
_ID_COLUMNS: Final = 24
_NAME_COLUMNS: Final = 32


class Rows:
    """Lays out attempts in columns: on a terminal if ``tty``, which ``colours`` what failed."""

    def __init__(self, *, tty: bool, colours: bool) -> None:
        self._tty = tty
        self._colours = colours
        self._widths = [0, 0, 0]

    def lines(self, attempt: Mapping[str, Any]) -> Iterator[str]:
        """The lines of ``attempt``: a single one but on a terminal, where what was sent has lines of its own."""
        more = [f"{name}: {text}" for name, text in _contents(attempt)]
        names = self._aligned([_text(attempt, key) for key in ("destination", "event", "profileId")])
        row = "  ".join([_clock(attempt), *names, *_result(attempt), self._coloured(attempt)])
        if not self._tty:
            yield "  ".join([row, *more])
            return
        yield row
        yield from (f"    {each}" for each in more)

    def _aligned(self, names: list[str]) -> list[str]:
        """The names in columns, as wide as the widest so far."""
        if not self._tty:
            return names
        from rich.cells import cell_len, set_cell_size

        most = (_NAME_COLUMNS, _ID_COLUMNS, _ID_COLUMNS)
        self._widths = [
            max(before, min(cell_len(name), limit))
            for before, name, limit in zip(self._widths, names, most, strict=True)
        ]
        return [
            set_cell_size(name, width) if cell_len(name) <= width else f"{set_cell_size(name, width - 1)}…"
            for name, width in zip(names, self._widths, strict=True)
        ]

    def _coloured(self, attempt: Mapping[str, Any]) -> str:
        import typer

        text, colour = _followed(attempt), COLOURS.get(str(attempt.get("outcome")))
        return typer.style(text, fg=colour) if self._colours and colour is not None else text


def _text(attempt: Mapping[str, Any], key: str) -> str:
    return printable(str(attempt.get(key, "-")))


def _clock(attempt: Mapping[str, Any]) -> str:
    """When the attempt ended, in the time of this place."""
    try:
        return datetime.fromtimestamp(float(attempt["at"])).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return "-"


def _result(attempt: Mapping[str, Any]) -> tuple[str, str, str]:
    """Which attempt, the status, and how long it took."""
    status, milliseconds = attempt.get("status"), attempt.get("milliseconds")
    took = f"{milliseconds:.1f} ms" if isinstance(milliseconds, int | float) else "-"
    return f"#{_text(attempt, 'attempt')}", "-".rjust(3) if status is None else printable(str(status)), took.rjust(10)


def _followed(attempt: Mapping[str, Any]) -> str:
    """What followed, and why."""
    outcome, failure = attempt.get("outcome"), attempt.get("failure")
    seconds = attempt.get("retrySeconds")
    match outcome:
        case "retry":
            what = f"again in {duration_text(seconds)}" if isinstance(seconds, int | float) else "again"
        case "dead_letter":
            what = f"dead letter ({_text(attempt, 'reason')})"
        case "paused":
            what = f"paused ({_text(attempt, 'reason')})"
        case "let_go":
            what = "left to the next reader of its lane"
        case _:
            what = printable(str(outcome))
    what = f"replay {what}" if attempt.get("replay") else what
    return what if failure is None else f"{what}: {printable(str(failure))}"


def _contents(attempt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The body that was sent and the answer, as far as they are there."""
    if attempt.get("body") is not None:
        yield "body", printable(json.dumps(attempt["body"], ensure_ascii=False))
    elif "bodyBytes" in attempt:
        yield "body", f"{_text(attempt, 'bodyBytes')} bytes, too many to be shown here"
    if attempt.get("answer"):
        yield "answer", _text(attempt, "answer")
