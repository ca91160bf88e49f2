"""What commands print on: a terminal with its width and colours, or a pipe, where lines are as long as they are."""

from __future__ import annotations

import re
import sys
from typing import IO, TYPE_CHECKING, Final, Literal

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

if TYPE_CHECKING:
    from rich.console import RenderableType

#: What a text tells by its colour.
Tone = Literal["plain", "good", "warning", "bad", "faint", "strong"]

#: Wider than any line that is put on a pipe.
_PIPE_COLUMNS: Final = 1 << 20
#: A code of a colour, where a line ends.
_LAST_CODE: Final = re.compile(r"\x1b\[[0-9;]*m\Z")
_THEME: Final = Theme(
    {
        "plain": "none",
        "good": "green",
        "warning": "yellow",
        "bad": "bold red",
        "faint": "dim",
        "strong": "bold",
        "bar.complete": "green",
        "bar.finished": "green",
        "progress.percentage": "none",
        "progress.remaining": "dim",
    },
)


class Screen:
    """A stream that people read: ``NO_COLOR`` and ``COLUMNS`` are obeyed where the stream is a terminal.

    Args:
        stream: where to print.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.is_terminal = stream.isatty()
        # Said, since variables such as FORCE_COLOR would make a terminal of a pipe.
        self.console = Console(
            file=stream,
            force_terminal=self.is_terminal,
            theme=_THEME,
            highlight=False,
            markup=False,
            emoji=False,
            color_system="auto" if self.is_terminal else None,
            width=None if self.is_terminal else _PIPE_COLUMNS,
        )
        self._stream = stream

    @property
    def is_coloured(self) -> bool:
        """Whether texts may have colours."""
        return self.is_terminal and self.console.color_system is not None and not self.console.no_color

    @property
    def columns(self) -> int:
        """How many characters of single width fit in a line."""
        return self.console.width

    def show(self, shown: RenderableType) -> None:
        """Print ``shown``; what the stream's encoding does not have is written as its escape."""
        encoding = self.console.encoding
        self._stream.write(f"{self.text(shown)}\n".encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()

    def text(self, shown: RenderableType) -> str:
        """What ``show`` prints, with the codes of its colours where there are any; no line ends with blanks."""
        with self.console.capture() as captured:
            self.console.print(shown, soft_wrap=False)
        return "\n".join(map(_without_blanks, captured.get().splitlines()))


def _without_blanks(line: str) -> str:
    """The line without the blanks that it ends in, also those before codes that end a colour."""
    codes = ""
    while found := _LAST_CODE.search(line := line.rstrip()):
        line, codes = line[: found.start()], found[0] + codes
    return line + codes


def standard_output() -> Screen:
    """Where results go."""
    return Screen(sys.stdout)


def standard_error() -> Screen:
    """Where notes and progress go."""
    return Screen(sys.stderr)


def toned(text: str, tone: Tone = "plain") -> Text:
    """``text`` in the colour of ``tone``; characters that would steer a terminal are no part of it."""
    return Text(text, style=tone)
