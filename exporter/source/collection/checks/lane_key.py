"""The key by which a record finds its lane in the intake: the inlet, or a value of the record."""

from __future__ import annotations

from typing import Any

from exporter.source.collection.plane import Inlet


def lane_key(record: dict[str, Any], inlet: Inlet) -> str:
    """The text or number at the inlet's path in ``record``; where there is none, the inlet's id."""
    found: Any = record
    for part in inlet.key:
        if not isinstance(found, dict):
            return inlet.id
        found = found.get(part)
    if isinstance(found, str):
        return found or inlet.id
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    return inlet.id
