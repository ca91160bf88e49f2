"""Places in a document: JSON pointers behind ``#``, and what stands there (RFC 6901)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote


def below(pointer: str, step: str | int) -> str:
    """The place of a key or an element of what stands at ``pointer``."""
    return f"{pointer}/{step}" if isinstance(step, int) else f"{pointer}/{step.replace('~', '~0').replace('/', '~1')}"


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer that begins with ``#``; percent encoding and ``~`` are resolved."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in unquote(pointer[1:]).split("/")[1:])


def found_at(document: Any, steps: tuple[str, ...]) -> Any:
    """What stands there; raises ``LookupError`` where nothing does."""
    for step in steps:
        if isinstance(document, list):
            if not step.isdecimal():
                raise LookupError(step)
            document = document[int(step)]
        elif isinstance(document, dict):
            document = document[step]
        else:
            raise LookupError(step)
    return document
