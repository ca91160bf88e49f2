"""What objects are ordered by in lists: values of all types stand in one order."""

from __future__ import annotations

from typing import Any


def sort_key(value: Any) -> tuple[int, Any]:
    """Numbers before texts, and both before what has no order of its own."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, 0)
