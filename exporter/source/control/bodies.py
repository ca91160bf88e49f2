"""What is wrong with the body of a request, by the very shape in which the document of the API tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import fastjsonschema

from exporter.source.control.shapes import Shape

#: Says what is wrong with parsed JSON: which field, and what it should be; None where all is well.
Fault: TypeAlias = Callable[[Any], str | None]


def fault_by(shape: Shape) -> Fault:
    """What says whether a value is of a shape, in which nothing is referred to; compiled when it is first asked."""
    # In draft 4 the number 1.0 is no integer.
    document = {"$schema": "http://json-schema.org/draft-04/schema", **shape}

    @cache
    def validator() -> Callable[..., Any]:
        found: Callable[..., Any] = fastjsonschema.compile(document, use_default=False)
        return found

    def fault(value: Any) -> str | None:
        try:
            validator()(value, name_prefix="body")
        except fastjsonschema.JsonSchemaValueException as error:
            return str(error.message)
        return None

    return fault


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object that say something: clients in Python write None for what they do not say."""
    return {name: value for name, value in given.items() if value is not None}
