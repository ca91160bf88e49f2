"""Attempts for people: a line each, or two where a terminal is narrow, and below it body and answer on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from textwrap import wrap
from typing import Any, Final

import typer
from rich.cells import cell_len

from exporter.cli.shared.look.table import fitted
from exporter.cli.shared.status_text import duration_text
from exporter.sections.printable import printable

#: The colour of what followed, on a terminal.
COLOURS: Final[Mapping[str, str]] = {"retry": "yellow", "paused": "yellow", "let_go": "yellow", "dead_letter": "red"}
#: To how many columns name and ids are cut, on a terminal of so many columns at least.
_CUT: Final = ((140, (32, 24, 24)), (120, (24, 16, 16)), (100, (20, 12, 12)), (80, (32, 14, 14)), (0, (16, 10, 10)))
#: On a narrower terminal an attempt takes two lines: whose it was, and what came of it.
_ONE_LINE_COLUMNS: Final = 100
_INDENT: Final = "    "


class Rows:
    """Lays out attempts in columns: on a terminal of so many ``columns``, None for a pipe; ``colours`` what failed."""

    def __init__(self, columns: int | None, *, colours: bool) -> None:
        self._columns = columns
        self._colours = colours
        self._widths = [0, 0, 0]

    def lines(self, attempt: Mapping[str, Any]) -> Iterator[str]:
        """The lines of ``attempt``: a single one but on a terminal, where what was sent has lines of its own."""
        more = [f"{name}: {text}" for name, text in _contents(attempt)]
        names = self._aligned([_text(attempt, key) for key in ("destination", "event", "profileId")])
        whose, result = "  ".join([_clock(attempt), *names]), "  ".join(_result(attempt))
        what, failure = _followed(attempt), _failure(attempt)
        if self._columns is None:
            yield "  ".join([whose, result, f"{what}{failure}", *more])
            return
        begin = f"{whose}  {result}"
        if self._columns < _ONE_LINE_COLUMNS:
            yield whose.rstrip()
            begin = f"{_INDENT}{result}"
        fits = cell_len(f"{begin}  {what}{failure}") <= self._columns
        yield f"{begin}  {self._coloured(attempt, f'{what}{failure}' if fits else what)}"
        if not fits:
            yield from wrap(
                failure.removeprefix(": "), self._columns, initial_indent=_INDENT, subsequent_indent=_INDENT
            )
        yield from (f"{_INDENT}{each}" for each in more)

    def _aligned(self, names: list[str]) -> list[str]:
        """The names in columns, as wide as the widest so far."""
        if self._columns is None:
            return names
        most = next(cut for columns, cut in _CUT if self._columns >= columns)
        self._widths = [
            max(before, min(cell_len(name), limit))
            for before, name, limit in zip(self._widths, names, most, strict=True)
        ]
        return [fitted(name, width) for name, width in zip(names, self._widths, strict=True)]

    def _coloured(self, attempt: Mapping[str, Any], text: str) -> str:
        colour = COLOURS.get(str(attempt.get("outcome")))
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
    """What followed."""
    outcome, seconds = attempt.get("outcome"), attempt.get("retrySeconds")
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
    return f"replay {what}" if attempt.get("replay") else what


def _failure(attempt: Mapping[str, Any]) -> str:
    failure = attempt.get("failure")
    return "" if failure is None else f": {printable(str(failure))}"


def _contents(attempt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The body that was sent and the answer, as far as they are there."""
    if attempt.get("body") is not None:
        yield "body", printable(json.dumps(attempt["body"], ensure_ascii=False))
    elif "bodyBytes" in attempt:
        yield "body", f"{_text(attempt, 'bodyBytes')} bytes, too many to be shown here"
    if attempt.get("answer"):
        yield "answer", _text(attempt, "answer")
