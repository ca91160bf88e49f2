"""The forms in which a JSON Schema is shown: without words for people, and flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from exporter.source.control.schema_registry.merging import BY_NAME
from exporter.source.xdm.validation.keywords import COMBINATIONS

_FOR_PEOPLE: Final = ("title", "description")
_ONE_SCHEMA: Final = ("items", "additionalProperties", "not")


def without_text(schema: Any) -> Any:
    """A copy of a schema without titles and descriptions; fields of these names stay."""
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _FOR_PEOPLE:
            continue
        if keyword in BY_NAME and isinstance(value, dict):
            copy[keyword] = {name: without_text(each) for name, each in value.items()}
        elif keyword in COMBINATIONS and isinstance(value, list):
            copy[keyword] = [without_text(each) for each in value]
        else:
            copy[keyword] = without_text(value) if keyword in _ONE_SCHEMA else value
    return copy


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a resolved document by their paths: ``person/name/firstName``, ``orders[*]/sku``, ``labels{*}``."""
    return dict(_leaves(document, ""))


def _leaves(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields at and below ``path`` that hold no others."""
    if not isinstance(schema, dict):
        return
    properties, items, values = (schema.get(key) for key in ("properties", "items", "additionalProperties"))
    if isinstance(properties, dict):
        for name, each in properties.items():
            yield from _leaves(each, f"{path}/{name}" if path else name)
    elif isinstance(items, dict):
        yield from _leaves(items, f"{path}[*]")
    elif isinstance(values, dict):
        yield from _leaves(values, f"{path}{{*}}")
    elif path:
        yield path, schema
