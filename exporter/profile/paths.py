"""Paths into a profile: reading and writing paths as text, and the tree of a mapping's paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

#: The steps from a profile's root to a value: ``("person", "name", "firstName")``.
Path: TypeAlias = tuple[str, ...]
#: A destination's attributes by steps; None marks a mapped attribute. Of two mapped paths of which the first stands
#: above the second, only the upper is in the tree (contract.md#the-request).
PathTree: TypeAlias = dict[str, "PathTree | None"]

#: An event is refused beyond 200 levels, so a path of more steps could never match.
MAX_STEPS = 200

_NOT_ATTRIBUTES = ("segmentMembership", "identityMap")
_SPLIT = re.compile(r"\\[.\\]|\.")


def parse_path(text: str) -> Path:
    r"""The steps that ``text`` names: ``person.name`` has two. Never raises.

    ``\.`` stands for a dot and ``\\`` for a backslash within a step; any other backslash stands
    for itself.
    """
    if "\\" not in text:
        return tuple(text.split("."))
    steps = [""]
    at = 0
    for mark in _SPLIT.finditer(text):
        steps[-1] += text[at : mark.start()]
        at = mark.end()
        if mark[0] == ".":
            steps.append("")
        else:
            steps[-1] += mark[0][1]
    steps[-1] += text[at:]
    return tuple(steps)


def format_path(path: Path) -> str:
    """The text that ``parse_path`` reads as ``path``."""
    return ".".join(map(escaped, path))


def escaped(step: str) -> str:
    """A single step as it stands in a path's text."""
    return step.replace("\\", "\\\\").replace(".", "\\.")


def mapping_problem(text: str) -> str | None:
    """Why ``text`` cannot be mapped as an attribute, in a few words; None if possible (contract.md#the-request)."""
    path = parse_path(text)
    if path == ("",):
        return "is empty"
    if "" in path:
        return "has an empty step"
    if len(text) - len(text.rstrip("\\")) & 1:
        return "ends in a backslash that escapes nothing"
    if len(path) > MAX_STEPS:
        return f"has more than {MAX_STEPS} steps"
    if path[0] in _NOT_ATTRIBUTES:
        return f"stands under {path[0]}, which is sent as a part of its own"
    return None


def tree(paths: Iterable[Path]) -> PathTree:
    """The tree of ``paths``, each of at least one step, in the order in which steps first appear."""
    root: PathTree = {}
    for path in paths:
        node = root
        for step in path[:-1]:
            below = node.setdefault(step, {})
            if below is None:
                break
            node = below
        else:
            node[path[-1]] = None
    return root


def touches(mapped: PathTree, written: Path) -> bool:
    """Whether ``written`` is a mapped path, or stands above or below a mapped path (contract.md#triggers)."""
    node = mapped
    for step in written:
        if step not in node:
            return False
        below = node[step]
        if below is None:
            return True
        node = below
    return True
