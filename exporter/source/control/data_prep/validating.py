"""``POST mappingSets/validate``: whether every mapping of a set compiles, and fits the schema."""

from __future__ import annotations

from typing import Any

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.data_prep.examining import Budget, Workshop, examine


def validate(document: Any, workshop: Workshop) -> Answer:
    """An element for each mapping of the set in ``document``, in their order. Never raises."""
    examined = examine(document, workshop, workshop.bounds(), Budget(workshop))
    if isinstance(examined, Answer):
        return examined
    elements = [{"status": "FAILED" if faults else "SUCCESS", "errors": faults or None} for faults in examined.faults]
    return found({"validationResponse": elements})
