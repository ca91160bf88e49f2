"""What has names and values, and other such below it: a tree on a terminal, indented lines on a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.tree import Tree

from exporter.cli.shared.look.screen import Screen, Tone, standard_output, toned

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Labels are at least so wide, so that values of several trees stand under each other.
_LABEL: Final = 12
_INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree.

    Attributes:
        label: what ``text`` is; empty where the text says that itself.
        text: the value.
        below: what belongs to it.
        tone: the colour of the text.
        label_tone: the colour of the label.
    """

    label: str
    text: str
    below: Sequence[Branch] = ()
    tone: Tone = "plain"
    label_tone: Tone = "faint"


def show_tree(branches: Sequence[Branch], *, label: int = _LABEL) -> None:
    """Print branches one after the other; a long text is folded on a terminal and whole on a pipe.

    ``label`` is how many characters a label has at least.
    """
    screen = standard_output()
    screen.show(all_drawn(branches, screen, label))


def tree_text(branches: Sequence[Branch], *, label: int = _LABEL) -> str:
    """What ``show_tree`` prints, for standard output."""
    screen = standard_output()
    return screen.text(all_drawn(branches, screen, label))


def all_drawn(branches: Sequence[Branch], screen: Screen, label: int = _LABEL) -> RenderableType:
    """What ``show_tree`` prints on ``screen``."""
    width = max([label, *(cell_len(each.label) for each in branches)])
    return Group(*(_drawn(each, width, is_terminal=screen.is_terminal) for each in branches))


def _drawn(branch: Branch, width: int, *, is_terminal: bool) -> RenderableType:
    line = _line(branch, width)
    if not branch.below:
        return line
    # The values stand under that of the branch itself, where it has a label.
    least = width - _INDENT if branch.label else _LABEL
    below = max([least, *(cell_len(each.label) for each in branch.below)])
    if is_terminal:
        tree = Tree(line, guide_style="faint")
        for each in branch.below:
            tree.add(_drawn(each, below, is_terminal=True))
        return tree
    indented = Group(*(_drawn(each, below, is_terminal=False) for each in branch.below))
    return Group(line, Padding(indented, (0, 0, 0, _INDENT), expand=False))


def _line(branch: Branch, width: int) -> RenderableType:
    text = toned(branch.text, branch.tone)
    text.overflow = "fold"
    if not branch.label:
        return text
    line = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    line.add_column(width=width, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(toned(branch.label, branch.label_tone), text)
    return line
