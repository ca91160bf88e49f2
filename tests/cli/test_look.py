"""The one look: columns that fit a terminal, whole rows on a pipe, characters of double width, trees and progress."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.cells import cell_len
from terminals import Terminal, fits, on_pipe, on_terminal, plain

from exporter.cli.shared.look.progress import progress, progress_to
from exporter.cli.shared.look.screen import Screen
from exporter.cli.shared.look.table import Column, Rows, Toned, show_table
from exporter.cli.shared.look.tree import Branch, show_tree

LONG = "partner-with-a-name-of-32-charac"
COLUMNS = (
    Column("NAME", folds=8, eases=64),
    Column("LAG", right=True),
    Column("MORE", right=True, spare=2),
    Column("LESS", right=True, spare=1),
    Column("WHY", folds=10, if_any=True),
)
ROWS = ((LONG, "1,000", "2", "3", ""), ("顧客", Toned("7", "bad"), "11", "12", "because of this and that"))


def test_columns_stand_under_each_other_whatever_the_width_of_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    head, one, two = on_pipe(monkeypatch, lambda: show_table(COLUMNS, ROWS)).splitlines()
    assert head.split() == ["NAME", "LAG", "MORE", "LESS", "WHY"]
    ends = [
        cell_len(line.partition(number)[0] + number) for line, number in ((head, "LAG"), (one, "1,000"), (two, "7"))
    ]
    assert len(set(ends)) == 1
    assert not [line for line in (head, one, two) if line != line.rstrip()]


def test_a_narrow_terminal_leaves_columns_out_before_texts_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(columns: int) -> list[str]:
        text = plain(on_terminal(monkeypatch, columns, lambda: show_table(COLUMNS, ROWS)))
        fits(text, columns)
        return text.splitlines()

    assert shown(80)[0].split() == ["NAME", "LAG", "MORE", "LESS", "WHY"]
    assert shown(72)[0].split() == ["NAME", "LAG", "LESS", "WHY"]
    assert shown(67)[0].split() == ["NAME", "LAG", "WHY"]
    narrow = shown(40)
    assert narrow[0].split() == ["NAME", "LAG", "WHY"]
    assert "".join(line.split(" ")[0] for line in narrow[1:]).startswith(LONG)


def test_a_column_without_anything_in_it_is_left_out_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def show() -> None:
        show_table(COLUMNS, ROWS[:1], ("total", "1,000", "2", "3", ""))

    lines = plain(on_terminal(monkeypatch, 80, show)).splitlines()
    assert lines[0].split() == ["NAME", "LAG", "MORE", "LESS"]
    assert lines[-1].split() == ["total", "1,000", "2", "3"]
    assert on_pipe(monkeypatch, show).splitlines()[0].split() == ["NAME", "LAG", "MORE", "LESS", "WHY"]


def test_a_later_part_shows_a_column_that_was_empty_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def show() -> None:
        rows = Rows(COLUMNS)
        for part in (ROWS[:1], ROWS[1:], ROWS[:1]):
            rows.show(part)

    heads = ["NAME", "LAG", "MORE", "LESS"]
    _, _, *later = lines = plain(on_terminal(monkeypatch, 80, show)).splitlines()
    assert [line.split() for line in lines if line.startswith("NAME")] == [heads, [*heads, "WHY"]]
    assert "because of this and that" in later[1]
    assert "because of this and that" in on_pipe(monkeypatch, show)


def test_a_table_in_parts_has_one_head_and_keeps_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    def show() -> None:
        rows = Rows(COLUMNS)
        rows.show(ROWS)
        rows.show([("crm", "5", "1", "1", "")])

    head, *_, last = on_pipe(monkeypatch, show).splitlines()
    assert last.index("5") == head.index("LAG") + 2


def test_no_row_of_a_live_table_takes_more_than_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = plain(on_terminal(monkeypatch, 40, lambda: Rows(COLUMNS, one_line=True).show(ROWS)))
    fits(text, 40)
    assert len(text.splitlines()) == 1 + len(ROWS)
    assert "…" in text


def test_a_terminal_without_room_for_a_table_gets_a_line_for_each_field(monkeypatch: pytest.MonkeyPatch) -> None:
    text = plain(on_terminal(monkeypatch, 24, lambda: show_table(COLUMNS, ROWS, ("total", "1,007", "13", "15", ""))))
    fits(text, 24)
    one, two, total = (each.splitlines() for each in text.split("\n\n"))
    assert one == [
        "NAME         partner-wit",
        "             h-a-name-of",
        "             -32-charac",
        "LAG          1,000",
    ]
    assert two[:3] == ["NAME         顧客", "LAG          7", "WHY          because of"]
    assert total == ["NAME         total", "LAG          1,007"]


@pytest.mark.parametrize("columns", range(20, 60))
@pytest.mark.parametrize("one_line", [False, True])
def test_no_number_is_ever_cut(monkeypatch: pytest.MonkeyPatch, columns: int, one_line: bool) -> None:
    """Neither in the first part nor where a later one has longer numbers."""

    def show() -> None:
        rows = Rows((Column("ID", right=True), *COLUMNS), one_line=one_line)
        rows.show([("1", *ROWS[0])])
        rows.show([("10020", *ROWS[1])])
        rows.show([("30020", *ROWS[0])])

    text = plain(on_terminal(monkeypatch, columns, show))
    numbers = re.findall(r"(?<![\w-])[\d,]+(?![\w-])", text)
    assert set(numbers) <= {"1", "1,000", "2", "3", "7", "11", "12", "10020", "30020"}
    assert {"1", "10020", "30020"} <= set(numbers)
    assert one_line or {"1,000", "7"} <= set(numbers)


def test_no_line_ends_in_blanks_whatever_its_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    def show() -> None:
        show_table(COLUMNS, ROWS[:1], ("total", "1,000", "2", "3", ""))
        Rows(COLUMNS, one_line=True).show(ROWS[:1])

    text = on_terminal(monkeypatch, 80, show)
    assert "\x1b[1m" in text
    assert not re.search(r"\s(\x1b\[[0-9;]*m)*\n", text.replace("\n\n", "\n"))


def test_colour_is_for_terminals_and_not_where_it_is_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def show() -> None:
        show_table(COLUMNS, ROWS)

    assert "\x1b[1;31m    7" in on_terminal(monkeypatch, 80, show)
    assert "\x1b" not in on_pipe(monkeypatch, show), "FORCE_COLOR makes no terminal of a pipe"

    def without() -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        show()

    assert "31m" not in on_terminal(monkeypatch, 80, without)


def test_an_encoding_without_the_characters_is_no_failure() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Rows(COLUMNS, Screen(stream)).show(ROWS)
    stream.seek(0)
    assert "\\u9867\\u5ba2" in stream.read()


def test_a_tree_has_branches_on_a_terminal_and_indented_lines_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = [Branch("source", "crm", [Branch("flow", "people " * 10)])]
    head, *flow = plain(on_terminal(monkeypatch, 40, lambda: show_tree(tree))).splitlines()
    assert head == "source       crm"
    assert flow[0].startswith("└── flow")
    assert len(flow) > 1
    assert on_pipe(monkeypatch, lambda: show_tree(tree)) == f"source       crm\n  flow       {'people ' * 9}people\n"


@pytest.mark.parametrize("total", [10, None])
def test_progress_is_shown_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: int | None
) -> None:
    with progress("sending", total) as advance:
        advance(10)
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        with progress("sending", total) as advance:
            advance(10)
    assert ("100%" if total else "10 bytes") in terminal.written()


def test_progress_follows_an_end_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", terminal)
        with progress_to("backfill", 1, 10) as reach:
            reach(20, 20)
    assert "100%" in terminal.written()
