r"""Paths of mappings, into records and into entities: ``person.name``, ``emails[0].address``, ``emails[*].address``."""

from __future__ import annotations

import re
from enum import Enum
from typing import TypeAlias


class Every(Enum):
    """The step ``[*]``: every element of an array."""

    EVERY = "*"


EVERY = Every.EVERY
#: A key of an object, the index of an element, or every element.
Step: TypeAlias = str | int | Every
Path: TypeAlias = tuple[Step, ...]

#: A record is refused beyond far fewer levels, so a path of more steps could never match.
MAX_STEPS = 200

_NAME = re.compile(r"\$\{((?:[^}\\]|\\.)*)\}|((?:[^.\[\]\\]|\\.?)+)", re.DOTALL)
_INDEX = re.compile(r"\[(?:([0-9]{1,9})|(\*))\]")
_PIECE = re.compile(r"\\.?|[^\\.]+|\.", re.DOTALL)
_ESCAPE = re.compile(r"\\([.\\\[\]{}$ '\"])")


def unescaped(text: str) -> str:
    r"""``text`` with ``\.`` as a dot, ``\\`` as a backslash, and so for brackets, braces, blanks and quotes."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def parse_path(text: str) -> Path | str:
    r"""The steps that ``text`` names, or in a few words why it is no path. Never raises.

    ``\.`` stands for a dot within a step; ``${First Name}`` holds steps with any other characters.
    """
    steps: list[Step] = []
    at = 0
    while True:
        name = _NAME.match(text, at)
        if name is None:
            return "is empty" if not text else "has an empty step"
        if name[1] is not None:
            inner = _split(name[1])
            if "" in inner:
                return "has an empty step"
            steps += inner
        else:
            steps.append(unescaped(name[2]))
        at = name.end()
        while index := _INDEX.match(text, at):
            steps.append(EVERY if index[2] else int(index[1]))
            at = index.end()
        if at == len(text):
            return tuple(steps) if len(steps) <= MAX_STEPS else f"has more than {MAX_STEPS} steps"
        if text[at] != ".":
            return f"has no dot, [index] or [*] at character {at + 1}"
        at += 1


def _split(text: str) -> list[str]:
    """The steps within ``${...}``, which dots part but where a backslash stands before."""
    parts = [""]
    for piece in _PIECE.findall(text):
        if piece == ".":
            parts.append("")
        else:
            parts[-1] += piece
    return [unescaped(part) for part in parts]
