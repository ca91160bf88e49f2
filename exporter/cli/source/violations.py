"""The violations of a record for people: a line for each that is made of no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def violation_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """``#/person/gender: expected type: String, found: Integer``, of a violation as answers have it."""
    causes = report.get("causingExceptions")
    if not isinstance(causes, list) or not causes:
        yield f"{report.get('pointerToViolation', '#')}: {report.get('message', 'no reason')}"
        return
    for cause in causes:
        if isinstance(cause, dict):
            yield from violation_lines(cause)
