"""A section of the configuration, queue or state, as ``exporter check`` shows it: without secrets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from exporter.sections.printable import counted
from exporter.sections.quantities import Duration
from exporter.sections.section import MASK
from exporter.sections.urls import shown

_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
#: In milliseconds.
_TIMES = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1))


def as_values(section: BaseModel) -> dict[str, Any]:
    """The section as plain JSON values: URLs without user, password and values of a query; no value of ``extra``."""
    values: dict[str, Any] = _safe(section.model_dump(mode="json"))
    return values


def as_text(section: BaseModel) -> str:
    """The section in a line, much as people would write the section; values that are not set are left out."""
    values = as_values(section)
    kind = {"kind": values.pop("kind")} if "kind" in values else {}
    written = section.model_dump(exclude_defaults=True)
    return ", ".join(_pairs({**kind, **values}, "", written, section))


def size(count: int) -> str:
    """A number of bytes, in the largest unit of which the number is a multiple: ``16MiB``."""
    for unit, factor in _UNITS:
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return counted(count, "byte")


def _safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: dict.fromkeys(part, MASK) if key == "extra" else _safe(part) for key, part in value.items()}
    return shown(value) if isinstance(value, str) and "://" in value else value


def duration(seconds: float) -> str:
    """A duration, in the largest unit of which it is a multiple: ``30d``, ``50ms``."""
    milliseconds = round(seconds * 1000)
    if not math.isclose(milliseconds, seconds * 1000):
        return f"{seconds:g}s"
    unit = next((unit for unit, of in _TIMES if milliseconds and milliseconds % of == 0), "s")
    return f"{milliseconds // dict(_TIMES)[unit]}{unit}"


def _is_duration(annotation: object) -> bool:
    return isinstance(annotation, Duration) or any(map(_is_duration, get_args(annotation)))


def _durations(section: object) -> set[str]:
    """The keys of a section that hold durations."""
    fields = type(section).model_fields if isinstance(section, BaseModel) else {}
    return {key for key, field in fields.items() if any(map(_is_duration, (field.annotation, *field.metadata)))}


def _pairs(values: Mapping[str, Any], above: str, written: Any, section: object) -> Iterator[str]:
    """``key value`` for each value that is set; a mapping without values is there only if ``written``."""
    durations = _durations(section)
    for key, value in values.items():
        here = written.get(key) if isinstance(written, dict) else None
        if isinstance(value, dict):
            pairs = list(_pairs(value, f"{above}{key}.", here, getattr(section, key, None)))
            yield from pairs or ([f"{above}{key} {{}}"] if here is not None else [])
        elif value is not None:
            yield f"{above}{key} {duration(value) if key in durations else _text(key, value)}"


def _text(key: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() if key.endswith(("bytes", "outbox_max")):
            return size(value)
        case float():
            return f"{value:g}"
        case list():
            return f"[{', '.join(_text('', item) for item in value)}]"
        case _:
            return str(value)
