"""JSON Patch (RFC 6902), as clients of the control plane send it: add, replace and remove, in any case.

Own code: operations have to be read and judged before they are done, and what comes of them has to stay within bounds.
What a library would do beyond that is the page below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from exporter.source.collection.checks.json_text import MAX_DEPTH, NoJson, decoded

_KINDS: Final = ("add", "replace", "remove")
_ESCAPES: Final = re.compile("~(?![01])")
#: An index has no zeros before it (RFC 6901 §4), and no array is as long as eight digits say.
_INDEX: Final = re.compile("0|[1-9][0-9]{0,7}", re.ASCII)
_APPEND: Final = "-"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``add``, ``replace`` or ``remove``, the steps of its pointer (one at least), and the new value."""

    kind: str
    path: tuple[str, ...]
    value: Any = None

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.path)


def operations_of(given: Any) -> tuple[Operation, ...] | str:
    """The operations that a body says, in their order; or why it says none, for people."""
    if not isinstance(given, list) or not given:
        return "A patch is an array of operations, one at least"
    operations = []
    for index, each in enumerate(given):
        operation = _operation_of(each)
        if isinstance(operation, str):
            return f"Operation {index}: {operation}"
        operations.append(operation)
    return tuple(operations)


def patched(document: Mapping[str, Any], operations: Sequence[Operation]) -> dict[str, Any] | str:
    """The document after all operations, which shares nothing with ``document``; or why one cannot be done.

    Args:
        document: JSON values.
        operations: in their order.
    """
    root: dict[str, Any] = orjson.loads(orjson.dumps(document))
    for operation in operations:
        reason = _do(root, operation)
        if reason is not None:
            return f"{operation.kind} {operation.pointer}: {reason}"
    found = decoded(orjson.dumps(root))
    return f"What comes of it has more than {MAX_DEPTH} levels" if isinstance(found, NoJson) else dict(found)


def _operation_of(given: Any) -> Operation | str:
    if not isinstance(given, dict):
        return "should be an object"
    kind, pointer = given.get("op"), given.get("path")
    if not isinstance(kind, str) or kind.lower() not in _KINDS:
        return f"op should be one of {', '.join(_KINDS)}"
    if not isinstance(pointer, str) or not pointer.startswith("/") or _ESCAPES.search(pointer):
        return "path should be a JSON Pointer to something in the document"
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    if len(steps) > MAX_DEPTH:
        return f"path has more than {MAX_DEPTH} steps"
    if kind.lower() != "remove" and "value" not in given:
        return "there should be a value"
    return Operation(kind.lower(), steps, given.get("value"))


def _do(root: dict[str, Any], operation: Operation) -> str | None:
    """Change what ``root`` holds; or why that cannot be done."""
    into: Any = root
    for step in operation.path[:-1]:
        if isinstance(into, dict) and step in into:
            into = into[step]
        elif isinstance(into, list) and (at := _position(step, len(into))) is not None:
            into = into[at]
        else:
            return f'there is no "{_shown(step)}"'
    last = operation.path[-1]
    # A later operation may change what this one puts there.
    value = orjson.loads(orjson.dumps(operation.value)) if isinstance(operation.value, dict | list) else operation.value
    if isinstance(into, dict):
        if operation.kind != "add" and last not in into:
            return f'missing field "{_shown(last)}"'
        if operation.kind == "remove":
            del into[last]
        else:
            into[last] = value
        return None
    if not isinstance(into, list):
        return f'nothing can stand at "{_shown(last)}"'
    adding = operation.kind == "add"
    place = len(into) if adding and last == _APPEND else _position(last, len(into) + adding)
    if place is None:
        return f'there is no place "{_shown(last)}" in the array'
    if adding:
        into.insert(place, value)
    elif operation.kind == "remove":
        del into[place]
    else:
        into[place] = value
    return None


def _position(step: str, length: int) -> int | None:
    """The index in an array that has ``length`` places, if there is such a place."""
    return int(step) if _INDEX.fullmatch(step) and int(step) < length else None


def _shown(step: str) -> str:
    """As much of a step as a sentence repeats."""
    return step if len(step) <= 64 else step[:64] + "…"
