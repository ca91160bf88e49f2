"""A section of the configuration, queue or state, as ``exporter check`` shows it: without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from exporter.sections.section import MASK
from exporter.sections.urls import shown
from exporter.sections.written import as_written


def as_values(section: BaseModel) -> dict[str, Any]:
    """The section as plain JSON values: URLs without user, password and values of a query; no value of ``extra``."""
    values: dict[str, Any] = _safe(section.model_dump(mode="json"))
    return values


def as_text(section: BaseModel) -> str:
    """The section in a line, much as people would write the section; values that are not set are left out."""
    values = as_written(section, as_values(section))
    kind = {"kind": values.pop("kind")} if "kind" in values else {}
    written = section.model_dump(exclude_defaults=True)
    return ", ".join(_pairs({**kind, **values}, "", written))


def _safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: dict.fromkeys(part, MASK) if key == "extra" else _safe(part) for key, part in value.items()}
    return shown(value) if isinstance(value, str) and "://" in value else value


def _pairs(values: Mapping[str, Any], above: str, written: Any) -> Iterator[str]:
    """``key value`` for each value that is set; a mapping without values is there only if ``written``."""
    for key, value in values.items():
        here = written.get(key) if isinstance(written, dict) else None
        if isinstance(value, dict):
            pairs = list(_pairs(value, f"{above}{key}.", here))
            yield from pairs or ([f"{above}{key} {{}}"] if here is not None else [])
        elif value is not None:
            yield f"{above}{key} {_text(value)}"


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case list():
            return f"[{', '.join(_text(item) for item in value)}]"
        case _:
            return str(value)
