"""Shapes with a name, collected from where they are used: each stands once among a document's components."""

from __future__ import annotations

from typing import Any

from exporter.source.control.shapes import Shape

_PLACE = "#/components/schemas/"


class Components:
    """The shapes that were placed, by name.

    ``place`` raises ValueError where two shapes have one name.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}

    def place(self, shape: Shape) -> dict[str, Any]:
        """The shape with references in the place of those within it that have a name."""
        placed = {key: self._placed(value) for key, value in shape.items()}
        name = placed.pop("title", None)
        # A field may be called title, too; then its shape stands here.
        if not isinstance(name, str):
            return placed if name is None else {**placed, "title": name}
        if self.schemas.setdefault(name, placed) != placed:
            raise ValueError(f"two shapes are called {name}")
        return {"$ref": f"{_PLACE}{name}"}

    def _placed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.place(value)
        return [self._placed(each) for each in value] if isinstance(value, list | tuple) else value
