"""Tables of Markdown, and the texts of the code's docstrings in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_CITED: Final = re.compile(r"\(((?:[a-z-]+/)*[a-z-]+\.md#[a-z-]+)\)")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with its head; a bar within a cell is escaped, and a line break becomes a blank."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def prose(text: str) -> str:
    """A docstring's first paragraph or a description, as Markdown of a page in docs/reference/.

    Two backticks become one, and a section of a page that is cited in parentheses becomes a link to it.
    """
    sentence = " ".join(text.partition("\n\n")[0].split()).replace("``", "`")
    return _CITED.sub(r"([more](../\1))", sentence)


def code(text: str) -> str:
    """A value as code."""
    return f"`{text}`"


def listed(values: Iterable[object]) -> str:
    """Values as code, one after the other."""
    return ", ".join(code(str(value)) for value in values)
