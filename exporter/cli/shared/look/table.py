"""Tables for people: on a terminal as wide as that is, on a pipe one line for each row, with all that it holds.

A number that is cut is another number: where a terminal has no room for a table, each field gets a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.table import Table
from rich.text import Text

from exporter.cli.shared.look.screen import Screen, Tone, standard_output, toned
from exporter.cli.shared.look.tree import Branch, all_drawn

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Between two columns.
_GAP: Final = 2


class Toned(NamedTuple):
    """A cell with a colour."""

    text: str
    tone: Tone


Cell: TypeAlias = str | Toned
Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its head.
        right: aligned to the right, as numbers are.
        folds: a long text takes several lines where a terminal is too narrow, each of at least so many characters; 0:
            never.
        eases: what folds gets so much, where it needs that, before other columns are left out for it.
        spare: how soon the column is left out there: those with the highest number first, those with 0 never.
        if_any: left out on a terminal until a row has something in it.
    """

    title: str
    right: bool = False
    folds: int = 0
    eases: int = 32
    spare: int = 0
    if_any: bool = False


class Rows:
    """A table that is printed part after part; its first part decides on columns and widths.

    A part with something in a column that was left out for being empty begins with its own heads, as does one that
    is too wide for these columns.

    Args:
        columns: all columns.
        screen: where to; None for standard output.
        one_line: no row takes more than a line; a terminal shows the begin of texts that do not fit, and where there
            is no room for all columns the first ones.
    """

    def __init__(self, columns: Sequence[Column], screen: Screen | None = None, *, one_line: bool = False) -> None:
        self._columns = columns
        self._screen = screen or standard_output()
        self._one_line = one_line
        self._chosen: Sequence[int] | None = None
        self._widths: dict[int, int] = {}
        #: The columns that would have been empty up to now.
        self._empty = {index for index, column in enumerate(columns) if column.if_any}

    def show(self, rows: Iterable[Row], total: Row | None = None) -> None:
        """Print ``rows``, with a last one of ``total``, each with as many cells as there are columns."""
        self._screen.show(self.drawn([*rows], total))

    def drawn(self, rows: Sequence[Row], total: Row | None = None) -> RenderableType:
        """The next part of the table, to be printed or put on a live screen."""
        every = [*rows, *([] if total is None else [total])]
        said = {index for index in self._empty if any(_text(row[index]) for row in every)}
        self._empty -= said
        is_first = self._chosen is None
        self._measure(every)
        begins = is_first or bool(said) or self._is_too_wide()
        if begins:
            self._chosen = self._fitting()
        if self._is_too_wide() and not self._one_line:
            return self._fields(rows, total, is_first=is_first)
        heads = [column.title for column in self._columns] if begins else None
        if self._one_line or not self._screen.is_terminal:
            return self._lines(rows, total, heads)
        return self._table(rows, total, heads)

    def _measure(self, rows: Sequence[Row]) -> None:
        for index, column in enumerate(self._columns):
            widths = [cell_len(_text(row[index])) for row in rows]
            self._widths[index] = max([self._widths.get(index, cell_len(column.title)), *widths])

    def _fitting(self) -> Sequence[int]:
        """The columns that are shown, by their places; on a pipe all of them, which a later part may need."""
        if not self._screen.is_terminal:
            return range(len(self._columns))
        said = [index for index in range(len(self._columns)) if index not in self._empty]
        while self._needed(said) > self._screen.columns:
            last = max(said, key=lambda index: self._columns[index].spare)
            if self._columns[last].spare == 0:
                break
            said.remove(last)
        while self._one_line and len(said) > 1 and self._least(said) > self._screen.columns:
            said.pop()
        return said

    def _is_too_wide(self) -> bool:
        """Whether numbers would be cut on this terminal."""
        return self._screen.is_terminal and self._least(self._chosen or ()) > self._screen.columns

    def _least(self, places: Sequence[int]) -> int:
        """The fewest characters for columns, however many lines that takes."""
        return sum(self._least_of(index) for index in places) + _GAP * (len(places) - 1)

    def _least_of(self, index: int) -> int:
        return min(self._widths[index], self._columns[index].folds or self._widths[index])

    def _needed(self, places: Sequence[int]) -> int:
        """The fewest characters for columns that are to be read with ease."""
        wanted = (
            min(self._widths[index], self._columns[index].eases) if self._columns[index].folds else self._widths[index]
            for index in places
        )
        return sum(wanted) + _GAP * (len(places) - 1)

    def _folded(self) -> dict[int, int]:
        """The widths of columns that fold: what is left by the others goes to the first ones first."""
        chosen = self._chosen or ()
        folding = [index for index in chosen if self._columns[index].folds]
        others = sum(self._widths[index] for index in chosen if index not in folding)
        left = self._screen.columns - others - _GAP * (len(chosen) - 1)
        widths = {index: self._least_of(index) for index in folding}
        left -= sum(widths.values())
        for index in folding:
            more = max(0, min(left, self._widths[index] - widths[index]))
            widths[index] += more
            left -= more
        return widths

    def _lines(self, rows: Sequence[Row], total: Row | None, heads: Row | None) -> RenderableType:
        """A line for each row: a tenth of the work of a table that folds, for lists that are long or live."""
        widths = self._widths | (self._folded() if self._screen.is_terminal else {})
        lines = [self._line(row, widths) for row in rows]
        first = [] if heads is None else [self._line(heads, widths, "strong")]
        return Group(*first, *lines, *([] if total is None else [self._line(total, widths, "strong")]))

    def _line(self, row: Row, widths: Mapping[int, int], tone: Tone = "plain") -> Text:
        line = Text(style=tone, no_wrap=True, overflow="crop")
        for index in self._chosen or ():
            cell = row[index]
            text, own = (cell, "") if isinstance(cell, str) else cell
            line.append(fitted(text, widths[index], right=self._columns[index].right), own or None)
            line.append(" " * _GAP)
        return line

    def _fields(self, rows: Sequence[Row], total: Row | None, *, is_first: bool) -> RenderableType:
        """A line for each field that has something in it, and an empty line between two rows."""
        shown: list[RenderableType] = []
        for row in (*rows, *([] if total is None else [total])):
            fields = [
                Branch(self._columns[index].title, _text(row[index]), tone=_tone(row[index], strong=row is total))
                for index in self._chosen or ()
                if _text(row[index])
            ]
            shown += [*([] if is_first and not shown else [Text()]), all_drawn(fields, self._screen)]
        return Group(*shown)

    def _table(self, rows: Sequence[Row], total: Row | None, heads: Row | None) -> Table:
        table = Table(
            box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=heads is not None, header_style="strong"
        )
        chosen = self._chosen or ()
        widths = self._widths | self._folded()
        for index in chosen:
            column = self._columns[index]
            table.add_column(
                column.title,
                justify="right" if column.right else "left",
                no_wrap=not column.folds,
                overflow="fold",
                # Said, so that later parts stand under the first one.
                width=widths[index],
            )
        for row in rows:
            table.add_row(*(_drawn(row[index]) for index in chosen))
        if total is not None:
            table.add_row(*(_drawn(total[index]) for index in chosen), style="strong")
        return table


def show_table(columns: Sequence[Column], rows: Iterable[Row], total: Row | None = None) -> None:
    """Print a table on standard output."""
    Rows(columns).show(rows, total)


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _tone(cell: Cell, *, strong: bool) -> Tone:
    return "strong" if strong else "plain" if isinstance(cell, str) else cell.tone


def _drawn(cell: Cell) -> Text:
    return toned(cell) if isinstance(cell, str) else toned(*cell)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in ``width`` characters of single width; of a longer one its begin."""
    blanks = width - cell_len(text)
    if blanks < 0:
        return set_cell_size(text, width - 1) + "…"
    return " " * blanks + text if right else text + " " * blanks
