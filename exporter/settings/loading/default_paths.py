"""Paths that the configuration leaves out: their defaults are relative to the main file, as if they stood there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from exporter.sections.paths import Written
from exporter.settings.loading.suggestions import is_of_kind, sections_in


def with_default_paths(section: type[BaseModel], data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The values of a section, with the defaults of paths that are not there, at any depth.

    Args:
        section: the type of the section; ``Settings`` for the whole configuration.
        data: the section's values, from files and environment. Values of a wrong type are left alone.
        folder: the folder of the main file.
    """
    filled = dict(data)
    for name, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Path):
            filled.setdefault(name, Written.of(str(default), folder))
        elif isinstance(inside := data.get(name, {} if isinstance(default, BaseModel) else None), dict):
            kind = inside.get("kind", getattr(default, "kind", None))
            below = list(sections_in(field.annotation))
            for inner in below if len(below) == 1 else (each for each in below if is_of_kind(each, kind)):
                if found := with_default_paths(inner, inside, folder):
                    filled[name] = found
    return filled
