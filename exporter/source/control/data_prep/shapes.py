"""What bodies of Data Prep look like, as JSON Schema, for the document of the API."""

from __future__ import annotations

from typing import Final

from exporter.source.control.routes import Shape

_TEXT: Final[Shape] = {"type": "string"}
_WHOLE: Final[Shape] = {"type": "integer"}
_OBJECT: Final[Shape] = {"type": "object"}


def array(items: Shape) -> Shape:
    """Any number of what looks like ``items``."""
    return {"type": "array", "items": items}


#: One mapping, in either dialect.
MAPPING: Final[Shape] = {
    "type": "object",
    "properties": {
        "sourceType": {"type": "string", "description": "ATTRIBUTE, STATIC or EXPRESSION; ATTRIBUTE where missing."},
        "source": {"type": ["string", "number", "boolean"], "description": "Also: sourceAttribute."},
        "destination": {"type": "string", "description": "Also: destinationXdmPath."},
    },
}
MAPPING_SET: Final[Shape] = {
    "type": "object",
    "properties": {
        "outputSchema": {
            "type": "object",
            "properties": {
                "schemaRef": {"type": "object", "properties": {"id": _TEXT, "contentType": _TEXT}},
            },
            "description": "Also: xdmSchema and xdmVersion.",
        },
        "allowNullValues": {"type": "boolean", "default": False},
        "mappings": array(MAPPING),
    },
}
FAULT: Final[Shape] = {
    "type": "object",
    "properties": {
        name: {"type": ["string", "null"]}
        for name in ("destination", "source", "sourceType", "exception", "columnName")
    },
}
VALIDATED: Final[Shape] = {
    "type": "object",
    "properties": {
        "validationResponse": array(
            {
                "type": "object",
                "properties": {
                    "status": {"enum": ["SUCCESS", "FAILED"]},
                    "errors": {"type": ["array", "null"], "items": FAULT},
                },
            }
        )
    },
}
PREVIEW: Final[Shape] = {
    "type": "object",
    "properties": {"data": {"type": ["object", "array"], "items": _OBJECT}, "mappingSet": MAPPING_SET},
    "required": ["data", "mappingSet"],
}
_MAPPED: Final[Shape] = {
    "type": "object",
    "properties": {"data": _OBJECT, "errors": {"type": ["array", "null"], "items": FAULT}},
}
PREVIEWED: Final[Shape] = {"oneOf": [_MAPPED, array(_MAPPED)]}
EXPRESSION: Final[Shape] = {
    "type": "object",
    "properties": {"expression": {"oneOf": [_TEXT, {"type": "object", "properties": {"expression": _TEXT}}]}},
    "required": ["expression"],
}
FUNCTIONS: Final[Shape] = array(
    {
        "type": "object",
        "properties": {
            "category": _TEXT,
            "function": _TEXT,
            "description": _TEXT,
            "syntax": _TEXT,
            "returns": _TEXT,
            "returnType": _TEXT,
            "example": _TEXT,
            "result": _TEXT,
            "params": array(_OBJECT),
            "since": _WHOLE,
        },
    }
)
OPERATORS: Final[Shape] = array(
    {
        "type": "object",
        "properties": {
            "operatorSymbol": _TEXT,
            "methodName": _TEXT,
            "numberOfOperands": _WHOLE,
            "description": _TEXT,
            "example": _TEXT,
        },
    }
)
MADE: Final[Shape] = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "version": _WHOLE,
        "createdDate": {"type": "integer", "description": "Epoch milliseconds."},
        "modifiedDate": {"type": "integer", "description": "Epoch milliseconds."},
        "createdBy": _TEXT,
        "modifiedBy": _TEXT,
    },
}


def _page(of: Shape) -> Shape:
    counts = {"type": "object", "properties": {"count": _WHOLE, "limit": _WHOLE}}
    return {"type": "object", "properties": {"data": array(of), "_page": counts, "_links": _OBJECT}}


PAGE: Final[Shape] = _page(MAPPING_SET)
MAPPINGS: Final[Shape] = _page(MAPPING)
