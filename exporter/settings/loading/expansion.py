"""``${NAME}`` and ``${NAME:-default}`` in the configuration's text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exporter.sections.operator_text import trimmed

_REFERENCE = re.compile(
    r"""
    \$\$\{                                                                      # $${ stands for ${
    | \$\{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^}]*) )? \}
    | \$\{                                                                      # neither: a mistake
    """,
    re.VERBOSE,
)


#: What stands in for a variable that is not set, before the variable's name (stand_ins.py).
STAND_IN = "unset-"


class Unset(Exception):
    """The text cannot be expanded; the message says why and names the variable.

    ``names`` are the variables that are not set, and ``stand_in`` is the text with a stand-in for each; none where the
    text itself is wrong.
    """

    def __init__(self, why: str, names: Sequence[str] = (), stand_in: str = "") -> None:
        super().__init__(why)
        self.names = tuple(names)
        self.stand_in = stand_in


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with every reference replaced, once: the value of a variable is not expanded again.

    A line break at the end of a variable is dropped, wherever in the text the variable stands. As in a shell, ``:-``
    gives its default where the variable is unset or empty.

    Raises:
        Unset: a variable without a default is not set, or ``${`` begins no reference.
    """
    unset: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            raise Unset("${ begins no ${NAME} or ${NAME:-default}; write $${ for the characters themselves")
        found = trimmed(environ[name]) if name in environ else None
        if default is not None:
            return found or default
        if found is None:
            unset[name] = None
            return STAND_IN + str(name)
        return found

    expanded = _REFERENCE.sub(value, text)
    if unset:
        raise Unset(f"the environment variable {next(iter(unset))} is not set", list(unset), expanded)
    return expanded


def names_in(text: str) -> frozenset[str]:
    """The variables that the text refers to."""
    return frozenset(match["name"] for match in _REFERENCE.finditer(text) if match["name"] is not None)


def is_reference(text: str) -> bool:
    """Whether the text is one reference and nothing else."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match["name"] is not None
