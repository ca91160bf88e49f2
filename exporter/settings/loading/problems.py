"""The mistakes in a configuration: where, and why; all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.sections.mistakes import Steps
from exporter.sections.paths import absolute
from exporter.sections.printable import counted, printable

#: Stands for the file of a mistake in a variable that overrides a key.
ENVIRONMENT = "environment"


def path_text(steps: Steps) -> str:
    """Steps as people write a path: ``destinations[0].endpoint``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake of the operator.

    ``file`` is the file as it was named, or ``environment``; ``line`` counts from 1, and is None where no line is
    known; ``at`` are the steps from the file's root, or the variable, empty for the whole file. ``reason`` never holds
    a value that could be secret. ``destination`` is the name of the destination with the mistake, where there is such a
    name. ``beside`` is at the place of what the mistake collides with.
    """

    file: str
    line: int | None
    at: Steps
    reason: str
    destination: str | None = None
    beside: Problem | None = None

    @property
    def path(self) -> str:
        """``at`` as people write a path."""
        return path_text(self.at)

    @property
    def place(self) -> str:
        """Where the mistake is: ``file:line: path``."""
        return ": ".join(
            part for part in (self.file if self.line is None else f"{self.file}:{self.line}", self.path) if part
        )

    def from_the_root(self) -> Problem:
        """The same with every file named by its absolute path."""
        file = self.file if self.file == ENVIRONMENT else str(absolute(Path(self.file)))
        return replace(self, file=file, beside=None if self.beside is None else self.beside.from_the_root())

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.place, self.reason) if part)
        if self.beside is not None:
            text += f" (beside {self.beside.place})"
        return printable(text if self.destination is None else f"{text} (destination {self.destination})")


@dataclass(frozen=True, slots=True)
class Problems:
    """Every mistake in a configuration, by file and line."""

    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, found: Iterable[Problem], files: Iterable[str]) -> Problems:
        """Each problem once, in the order of ``files`` and then of lines; a problem in none of ``files`` comes last."""
        once = dict.fromkeys(found)
        order = list(dict.fromkeys([*files, *(problem.file for problem in once)]))
        return cls(tuple(sorted(once, key=lambda problem: (order.index(problem.file), problem.line or 0))))

    def from_the_root(self) -> Problems:
        """The same with every file named by its absolute path."""
        return Problems(tuple(problem.from_the_root() for problem in self.problems))

    def render(self, where: str = "the configuration") -> str:
        """A line for each problem, ``file:line: path: reason``, then their number."""
        total = f"{counted(len(self.problems), 'mistake')} in {where}"
        return "\n".join([*(str(problem) for problem in self.problems), total])
