"""``${NAME}`` and ``${NAME:-default}`` in the configuration's text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exporter.sections.operator_text import trimmed

_REFERENCE = re.compile(
    r"""
    \$\$\{                                                                      # $${ stands for ${
    | \$\{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^}]*) )? \}
    | \$\{                                                                      # neither: a mistake
    """,
    re.VERBOSE,
)


class Unset(Exception):
    """The text cannot be expanded; the message says why and names the variable."""


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with every reference replaced, once: the value of a variable is not expanded again.

    A line break at the end of a variable is dropped, wherever in the text the variable stands. As in a shell, ``:-``
    gives its default where the variable is unset or empty.

    Raises:
        Unset: a variable without a default is not set, or ``${`` begins no reference.
    """

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
            raise Unset(f"the environment variable {name} is not set")
        return found

    return _REFERENCE.sub(value, text)


def names_in(text: str) -> frozenset[str]:
    """The variables that the text refers to."""
    return frozenset(match["name"] for match in _REFERENCE.finditer(text) if match["name"] is not None)


def is_reference(text: str) -> bool:
    """Whether the text is one reference and nothing else."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match["name"] is not None
