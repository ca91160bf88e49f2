"""The types that a declared field may have, by name, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WHOLE = {"type": "integer"}


def _within(bits: int) -> dict[str, Any]:
    return {**_WHOLE, "minimum": -(1 << bits - 1), "maximum": (1 << bits - 1) - 1}


def _text(name: str) -> dict[str, Any]:
    return {"type": "string", "format": name}


#: ``map`` and ``object`` are objects with any keys, unless fields below an object say which.
TYPES: Mapping[str, Mapping[str, Any]] = {
    "any": {},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": _WHOLE,
    "byte": _within(8),
    "short": _within(16),
    "int": _within(32),
    "long": _within(64),
    "number": {"type": "number"},
    "double": {"type": "number"},
    "date": _text("date"),
    "date-time": _text("date-time"),
    "email": _text("email"),
    "uri": _text("uri"),
    "uri-reference": _text("uri-reference"),
    "hostname": _text("hostname"),
    "ipv4": _text("ipv4"),
    "ipv6": _text("ipv6"),
    "object": {"type": "object"},
    "map": {"type": "object"},
}


def type_problem(name: str) -> str | None:
    """Why there is no type of this name; None if there is one."""
    if name in TYPES:
        return None
    return f"has no known type: {name!r}; known are {', '.join(TYPES)}, and each with [] for an array"
