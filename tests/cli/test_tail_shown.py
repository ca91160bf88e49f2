"""How ``exporter tail`` lays out attempts, on a terminal and on a pipe."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from exporter.cli.shared.daemon_port import NoDaemon
from exporter.cli.tail.shown import Rows
from exporter.cli.tail.streams import opened

ATTEMPT: dict[str, Any] = {
    "at": 1_700_000_000.25,
    "destination": "crm",
    "event": "e-1",
    "profileId": "p-1",
    "attempt": 1,
    "outcome": "delivered",
    "status": 200,
    "milliseconds": 12.34,
    "failure": None,
    "reason": None,
    "retrySeconds": None,
    "replay": False,
    "answer": None,
}


def row(*, tty: bool = False, **change: Any) -> list[str]:
    return list(Rows(140 if tty else None, colours=False).lines({**ATTEMPT, **change}))


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({}, "#1  200     12.3 ms  delivered"),
        ({"attempt": 2, "replay": True}, "#2  200     12.3 ms  replay delivered"),
        (
            {"outcome": "retry", "status": 503, "retrySeconds": 15.0, "failure": "HTTP 503"},
            "#1  503     12.3 ms  again in 15s: HTTP 503",
        ),
        (
            {"outcome": "dead_letter", "reason": "rejected", "status": 422, "failure": "HTTP 422"},
            "#1  422     12.3 ms  dead letter (rejected): HTTP 422",
        ),
        (
            {
                "outcome": "paused",
                "reason": "unreachable",
                "status": None,
                "milliseconds": None,
                "failure": "connection refused",
            },
            "#1    -           -  paused (unreachable): connection refused",
        ),
        ({"outcome": "let_go", "failure": "HTTP 500"}, "left to the next reader of its lane: HTTP 500"),
        ({"outcome": "something of a later version"}, "something of a later version"),
    ],
)
def test_a_row_says_what_followed(change: dict[str, Any], end: str) -> None:
    [line] = row(**change)
    assert line.endswith(end)
    assert "  crm  e-1  p-1  " in line


def test_on_a_terminal_long_ids_are_cut_and_columns_stand_below_each_other() -> None:
    rows = Rows(140, colours=False)
    first, second, third = (
        next(rows.lines({**ATTEMPT, **change}))
        for change in ({"profileId": "漢字" * 20}, {"event": "e" * 100}, {"destination": "d" * 32})
    )
    assert "…" in first
    assert "…" in second
    assert cell_len(second.partition("#1")[0]) == cell_len(third.partition("#1")[0]) - 29
    assert cell_len(third.partition("#1")[0]) == 12 + 32 + 24 + 24 + 4 * 2
    [whole] = row(event="e" * 100)
    assert "e" * 100 in whole, "not on a pipe"


def test_what_was_sent_stands_below_on_a_terminal_and_in_the_line_on_a_pipe() -> None:
    contents: dict[str, Any] = {"body": {"name": "Jane\x1b[31m", "of": "漢"}, "answer": "who\\n?"}
    _, body, answer = row(tty=True, **contents)
    assert body == '    body: {"name": "Jane\\u001b[31m", "of": "漢"}'
    assert answer == "    answer: who\\n?"
    [line] = row(**contents)
    assert line.endswith("delivered" + "  " + body.strip() + "  " + answer.strip())
    assert row(body=None, bodyBytes=300_000, tty=True)[1] == "    body: 300000 bytes, too many to be shown here"


def test_failures_are_coloured_where_that_is_wanted() -> None:
    rows = Rows(140, colours=True)
    assert "\x1b[31m" in next(rows.lines({**ATTEMPT, "outcome": "dead_letter"}))
    assert "\x1b[" not in next(rows.lines(ATTEMPT))


def test_what_a_stranger_writes_is_made_printable_and_its_holes_are_shown() -> None:
    [line] = Rows(None, colours=False).lines({"destination": "\x1b[2J", "at": "yesterday", "outcome": None})
    assert line.split() == ["-", "\\x1b[2J", "-", "-", "#-", "-", "-", "None"]


def test_what_is_no_daemon_is_named() -> None:
    with pytest.raises(NoDaemon, match=r"no daemon answers at http://127\.0\.0\.1:1"):
        opened("http://127.0.0.1:1", None, bodies=False, token=None)
