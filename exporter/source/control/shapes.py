"""The vocabulary of which the shapes of bodies are made: JSON Schema, for the document of the API.

A shape with a name stands in the document once, wherever it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

#: JSON Schema of a value.
Shape: TypeAlias = Mapping[str, Any]

TEXT: Final[Shape] = {"type": "string"}
WHOLE: Final[Shape] = {"type": "integer"}
TRUTH: Final[Shape] = {"type": "boolean"}
#: An object of which nothing more is said: clients put in it what they like, or its fields are data.
FREE: Final[Shape] = {"type": "object"}
MOMENT: Final[Shape] = {"type": "integer", "description": "Epoch milliseconds."}
ETAG: Final[Shape] = {
    "type": "string",
    "pattern": '^"[0-9a-f-]{36}"$',
    "description": "New with every change; the quotes are part of the value.",
}
#: Page links; an empty object where nothing follows.
LINKS: Final[Shape] = {
    "type": "object",
    "properties": {
        "next": {
            "type": "object",
            "required": ["href"],
            "properties": {"href": {"type": "string"}, "templated": {"type": "boolean"}},
        }
    },
}


def array(items: Shape) -> Shape:
    """Any number of what looks like ``items``."""
    return {"type": "array", "items": items}


def map_of(values: Shape) -> Shape:
    """An object with any names, whose values look like ``values``."""
    return {"type": "object", "additionalProperties": values}


def fields(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these fields, and maybe others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties}


def sent(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object of a request, whose ``optional`` fields may be null: that is as if they were not there."""
    return fields(required, {name: _or_null(shape) for name, shape in (optional or {}).items()})


def _or_null(shape: Shape) -> Shape:
    nullable = dict(shape)
    if "enum" in shape:
        nullable["enum"] = [*shape["enum"], None]
    if "type" in shape:
        types = shape["type"]
        nullable["type"] = [*([types] if isinstance(types, str) else types), "null"]
    return nullable


def texts(*names: str) -> Mapping[str, Shape]:
    """Fields that are texts."""
    return dict.fromkeys(names, TEXT)


def named(name: str, shape: Shape) -> Shape:
    """A shape that the document names."""
    return {"title": name, **shape}


#: What is a whole error, and says so in the words of the service.
ERROR: Final = named("Error", fields({**texts("errorCode", "errorMessage", "errorDetails"), "status": WHOLE}))
#: What the gateway refuses before anything is looked at.
REFUSAL: Final = named("Refusal", fields(texts("error_code", "message")))
#: A body that does not say what it is, and one that comes too slowly.
PROBLEM: Final = named("Problem", fields({**texts("type", "title"), "status": WHOLE}, {"detail": TEXT, "report": FREE}))
#: As RFC 6749 has it.
TOKEN_ERROR: Final = named("TokenError", fields(texts("error", "error_description")))
JSON_PATCH: Final = named(
    "JsonPatch",
    array(
        {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"type": "string", "description": "add, replace or remove, in any case."},
                "path": {"type": "string", "description": "A JSON Pointer."},
                "value": {},
            },
        }
    ),
)
