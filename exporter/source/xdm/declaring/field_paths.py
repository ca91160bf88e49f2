r"""Paths of declared fields: ``person.name``, ``orders[].sku``, ``labels{}.text``, ``a\.b`` for a key with a dot."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from exporter.profile.paths import MAX_STEPS, parse_path


class Into(Enum):
    """A step that is no key: into each element of an array, into each value of a map."""

    ELEMENTS = "[]"
    VALUES = "{}"


FieldPath: TypeAlias = tuple[str | Into, ...]
#: How each step is written.
_ENDINGS = {"[]": Into.ELEMENTS, "[*]": Into.ELEMENTS, "{}": Into.VALUES, "{*}": Into.VALUES}


def parse_field_path(text: str) -> FieldPath | str:
    """The steps, or why the path is refused."""
    path: list[str | Into] = []
    for step in parse_path(text):
        name, into = split_endings(step)
        if not name:
            return "has an empty step"
        path += [name, *into]
    return tuple(path) if len(path) <= MAX_STEPS else f"has more than {MAX_STEPS} steps"


def split_endings(text: str) -> tuple[str, list[Into]]:
    """What stands before the endings ``[]`` and ``{}``, and the endings."""
    into: list[Into] = []
    while ending := next((each for each in _ENDINGS if text.endswith(each)), None):
        text = text.removesuffix(ending)
        into.insert(0, _ENDINGS[ending])
    return text, into
