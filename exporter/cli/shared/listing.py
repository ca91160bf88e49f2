"""A list of what a store holds, page after page: a table for people, a line of JSON each for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from exporter.sections.printable import agreeing

if TYPE_CHECKING:
    from exporter.cli.shared.look.table import Column, Row


class Listing:
    """A table that comes in pages; at its end stderr says how many there were, and of each reason.

    Args:
        columns: those of the table.
        noun: what one row is.
        hint: how all of a row is seen, said at the end where rows are shortened.
    """

    def __init__(self, columns: Sequence[Column], noun: str, hint: str) -> None:
        from exporter.cli.shared.look.screen import standard_output
        from exporter.cli.shared.look.table import Rows

        screen = standard_output()
        #: Whether nothing is to be shortened, as on a pipe.
        self.is_whole = not screen.is_terminal
        self._rows = Rows(columns, screen)
        self._noun = noun
        self._hint = hint
        self._reasons: Counter[str] = Counter()

    def show(self, rows: Sequence[Row], reasons: Sequence[str]) -> None:
        """Print a page, whose rows have these ``reasons``."""
        self._rows.show(rows)
        self._reasons.update(reasons)

    def end(self, limit: int | None = None) -> None:
        """Say how many rows there were, if there were any, and that there may be more where ``limit`` was reached."""
        if total := self._reasons.total():
            each = ", ".join(f"{count:,} {reason}" for reason, count in self._reasons.most_common())
            hint = f"; --limit {limit} ends the list" if total == limit else ""
            hint += "" if self.is_whole else f"; {self._hint}"
            typer.echo(f"{total:,} {agreeing(total, self._noun)}: {each}{hint}", err=True)
