"""What bodies of Data Prep look like, as JSON Schema, for the document of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.source.control.shapes import (
    FREE,
    LINKS,
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Shape,
    array,
    fields,
    named,
    sent,
    texts,
)

_SOURCE: Final[Shape] = {"type": ["string", "number", "boolean"]}
_OUTPUT: Final[Shape] = fields({}, {"schemaRef": fields({}, texts("id", "contentType"))})
#: When and by whom an object was made and changed.
_HISTORY: Final[Mapping[str, Shape]] = {
    "createdDate": MOMENT,
    "modifiedDate": MOMENT,
    **texts("createdBy", "modifiedBy"),
}
#: One mapping, in either dialect.
MAPPING: Final = named(
    "NewMapping",
    sent(
        {},
        {
            "sourceType": {
                "type": "string",
                "description": "ATTRIBUTE, STATIC or EXPRESSION; ATTRIBUTE where missing.",
            },
            "source": {**_SOURCE, "description": "Also: sourceAttribute."},
            "sourceAttribute": _SOURCE,
            "destination": {"type": "string", "description": "Also: destinationXdmPath."},
            "destinationXdmPath": TEXT,
            "identity": TRUTH,
            "primaryIdentity": TRUTH,
        },
    ),
)
_OUTPUT_SENT: Final[Shape] = {
    **sent({}, {"schemaRef": sent({}, texts("id", "contentType"))}),
    "description": "Also: xdmSchema and xdmVersion.",
}


def _set(mapping: Shape) -> Shape:
    """What a set says whose mappings, if they are an array, look like ``mapping``."""
    mappings = {"type": ["array", "object"], "items": mapping, "description": "An object: sources by destinations."}
    headings = texts("name", "status", "xdmSchema", "xdmVersion")
    flags = {"allowNullValues": {"type": "boolean", "default": False}, "version": {**WHOLE, "minimum": 0}}
    return sent({}, {**headings, "outputSchema": _OUTPUT_SENT, **flags, "mappings": mappings})


MAPPING_SET: Final = named("NewMappingSet", _set(MAPPING))
#: A set of which each mapping is judged by itself, so that its mappings may be anything.
JUDGED: Final = named("JudgedMappingSet", _set({}))
#: A mapping as it is kept: under the names of both dialects.
SHOWN_MAPPING: Final = named(
    "Mapping",
    fields(
        {**texts("id", "sourceType"), **_HISTORY},
        {
            "source": _SOURCE,
            "sourceAttribute": _SOURCE,
            **texts("destination", "destinationXdmPath"),
            "identity": TRUTH,
            "primaryIdentity": TRUTH,
        },
    ),
)
SHOWN_SET: Final = named(
    "MappingSet",
    fields(
        {
            **texts("id", "status"),
            "version": WHOLE,
            "allowNullValues": TRUTH,
            **_HISTORY,
            "mappings": array(SHOWN_MAPPING),
        },
        {"outputSchema": _OUTPUT, **texts("name", "xdmSchema", "xdmVersion")},
    ),
)
FAULT: Final = named(
    "MappingFault",
    fields(
        {
            name: {"type": ["string", "null"]}
            for name in ("destination", "source", "sourceType", "exception", "columnName")
        }
    ),
)
_FAULTS: Final[Shape] = {"type": ["array", "null"], "items": FAULT}
VALIDATED: Final = named(
    "ValidatedMappings",
    fields({"validationResponse": array(fields({"status": {"enum": ["SUCCESS", "FAILED"]}, "errors": _FAULTS}))}),
)
PREVIEW: Final = named("Preview", fields({"data": {"type": ["object", "array"], "items": FREE}, "mappingSet": JUDGED}))
_MAPPED: Final = named("Mapped", fields({"data": FREE, "errors": _FAULTS}))
#: One where ``data`` was an object, else as many as it had elements.
PREVIEWED: Final[Shape] = {"anyOf": [_MAPPED, array(_MAPPED)]}
EXPRESSION: Final = named(
    "Expression", fields({"expression": {**fields({"expression": TEXT}), "type": ["string", "object"]}})
)
FUNCTIONS: Final = array(
    named(
        "Function",
        fields(
            {
                **texts("category", "function", "description", "syntax", "returns", "returnType", "example", "result"),
                "params": array(FREE),
            },
            {"since": WHOLE},
        ),
    )
)
OPERATORS: Final = array(
    named(
        "Operator",
        fields({**texts("operatorSymbol", "methodName", "description", "example"), "numberOfOperands": WHOLE}),
    )
)
MADE: Final = named("MadeMappingSet", fields({"id": TEXT, "version": WHOLE, **_HISTORY}))


def _page(of: Shape) -> Shape:
    return fields({"data": array(of), "_page": fields({"count": WHOLE, "limit": WHOLE}), "_links": LINKS})


PAGE: Final = _page(SHOWN_SET)
MAPPINGS: Final = _page(SHOWN_MAPPING)
