"""What objects are ordered by in lists: values of all types stand in one order."""

from __future__ import annotations

from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.shapes import Shape

_SHOWN: Final = 64


def unknown_field(name: str, shape: Shape) -> Answer | None:
    """400: documents that look like ``shape`` have no field of this name to be ordered by; None where they have one."""
    known = shape["properties"]
    if name in known:
        return None
    return failed(400, "1433-400", f"There is no field {name[:_SHOWN]} to order by; there are {', '.join(known)}")


def sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before texts, and both before what has no order of its own."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, 0)
