"""What a broken configuration says all the same, for commands that ask a daemon which runs an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.sections.paths import NoHome, expanded
from exporter.settings.loading.overrides import find_overrides
from exporter.settings.loading.validation import Refused, validated
from exporter.settings.loading.yaml_file import read_beginning
from exporter.settings.tree import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """What a broken configuration says all the same: ``settings`` holds for the top-level keys in ``known`` only.

    The other keys are as if the file did not name them: what the environment says, else the default.
    """

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
    known: set[str] = set()
    for key in keys:
        broken = [steps for steps in document.broken if steps[:1] == (key,)]
        is_known = (key in values or whole) and all(steps == ("ops", "token") for steps in broken)
        section = values.get(key, {}) if is_known else {}
        if isinstance(section, dict):
            section.pop("token", None)
        own = {steps: name for steps, name in overrides.items() if steps[0] == key and steps[-1] != "token"}
        found = validated({key: section}, environ, own, path.parent)
        if isinstance(found, Refused):
            is_known, found = False, validated({}, environ, {}, path.parent)
        if not isinstance(found, Refused):
            data[key] = getattr(found, key)
        if is_known:
            known.add(key)
    return Part(Settings(**data), frozenset(known))
