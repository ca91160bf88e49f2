"""What a broken configuration says all the same, for commands that ask a daemon which runs an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.sections.paths import NoHome, expanded
from exporter.settings.loading.load import Refused, validated
from exporter.settings.loading.overrides import find_overrides
from exporter.settings.loading.yaml_file import read_beginning
from exporter.settings.tree import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """What a broken configuration says all the same: ``settings`` holds for the top-level keys in ``known`` only."""

    settings: Settings
    known: frozenset[str]


def load_part(path: Path, environ: Mapping[str, str], keys: Sequence[str]) -> Part:
    """Those of the top-level ``keys`` that can be read in a broken configuration, without its secrets."""
    try:
        path = Path(expanded(str(path)))
    except NoHome:
        return Part(Settings(), frozenset())
    document, whole = read_beginning(path, environ)
    values = document.value if isinstance(document.value, dict) else {}
    overrides, _ = find_overrides(Settings.model_fields, environ)
    data: dict[str, Any] = {}
    for key in keys:
        broken = [steps for steps in document.broken if steps[:1] == (key,)]
        if (key not in values and not whole) or any(steps != ("ops", "token") for steps in broken):
            continue
        section = values.get(key, {})
        if isinstance(section, dict):
            section.pop("token", None)
        own = {steps: name for steps, name in overrides.items() if steps[0] == key and steps[-1] != "token"}
        if not isinstance(found := validated({key: section}, environ, own, path.parent), Refused):
            data[key] = getattr(found, key)
    return Part(Settings(**data), frozenset(data))
