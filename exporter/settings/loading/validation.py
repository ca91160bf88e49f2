"""Values of all sources put together and validated: settings, or what pydantic says of the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from exporter.sections.mistakes import Steps
from exporter.settings.loading.default_paths import with_default_paths
from exporter.settings.loading.overrides import Overrides
from exporter.settings.tree import Settings

_DECLARED = ("identities", "schemas", "datasets", "mappings", "sources")


@dataclass(frozen=True, slots=True)
class Refused:
    """The error of pydantic on ``data``, which all sources gave together."""

    error: ValidationError = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)


def validated(
    data: dict[str, Any], environ: Mapping[str, str], overrides: Mapping[Steps, str], folder: Path
) -> Settings | Refused:
    """The settings from both sources, the environment first; ``folder`` is the main file's."""
    together = _overridden(data, Overrides(Settings, environ, overrides)())
    return _settings(with_default_paths(Settings, together, folder))


def declarations(refused: Refused) -> Settings | None:
    """What is declared for the way in, all else with its defaults; None where it is among what is wrong."""
    found = _settings({key: refused.data[key] for key in _DECLARED if key in refused.data})
    return found if isinstance(found, Settings) else None


def _settings(data: Mapping[str, Any]) -> Settings | Refused:
    settings = Settings.__new__(Settings)
    try:
        # Not the ``__init__`` of BaseSettings, which would take a key of the file such as _env_file for its own option.
        BaseModel.__init__(settings, **data)
    except ValidationError as error:
        return Refused(error, data)
    return settings


def _overridden(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with all ``values`` in place, at any depth."""
    both = {key: (data.get(key), value) for key, value in values.items()}
    inner = {
        key: _overridden(below, above) if isinstance(below, Mapping) and isinstance(above, Mapping) else above
        for key, (below, above) in both.items()
    }
    return {**data, **inner}
