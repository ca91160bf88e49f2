"""A section of the configuration, queue or state, as ``exporter check`` shows it: without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from exporter.sections.section import MASK
from exporter.sections.urls import shown
from exporter.sections.written import as_written
from exporter.settings.masking import Masking, masked


def as_values(section: BaseModel, hiding: Masking) -> dict[str, Any]:
    """The section as plain JSON values: URLs without user, password and values of a query; no value of ``extra``.

    What ``hiding`` hides in a text is hidden.
    """
    values: dict[str, Any] = _safe(section.model_dump(mode="json"), hiding)
    return values


def as_text(section: BaseModel, hiding: Masking) -> str:
    """The section in a line, much as people would write the section; values that are not set are left out."""
    values = as_written(section, as_values(section, hiding))
    kind = {"kind": values.pop("kind")} if "kind" in values else {}
    written = section.model_dump(exclude_defaults=True)
    return ", ".join(_pairs({**kind, **values}, "", written))


def _safe(value: Any, hiding: Masking) -> Any:
    if isinstance(value, dict):
        return {
            key: dict.fromkeys(part, MASK) if key == "extra" else _safe(part, hiding) for key, part in value.items()
        }
    if isinstance(value, str):
        value = masked(hiding.text("", value))
        return shown(value) if "://" in value else value
    return value


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
