"""A violation of a schema, and the JSON in which senders are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong, and where.

    Attributes:
        pointer: where in the value, as a JSON pointer behind ``#``.
        message: what is wrong.
        keyword: what the schema demands there; None for what only holds several causes together.
        at: where in the schema's document, as a JSON pointer behind ``#``; None where the schema has no such place.
        causes: the violations of which it is made.
    """

    pointer: str
    message: str
    keyword: str | None = None
    at: str | None = None
    causes: tuple[Violation, ...] = ()

    @property
    def count(self) -> int:
        """How many violations that are made of no others it stands for; at least one."""
        return sum(cause.count for cause in self.causes) or 1

    def as_report(self) -> dict[str, Any]:
        """The violation as senders are told: an absent place or keyword is left out."""
        report: dict[str, Any] = {} if self.at is None else {"schemaLocation": self.at}
        report["pointerToViolation"] = self.pointer
        report["causingExceptions"] = [cause.as_report() for cause in self.causes]
        if self.keyword is not None:
            report["keyword"] = self.keyword
        report["message"] = self.message
        return report


def together(found: Sequence[Violation], at: str | None, pointer: str) -> Violation | None:
    """What ``found`` at and below one place comes to: nothing, that one, or one that holds them together."""
    if len(found) < 2:
        return found[0] if found else None
    count = sum(violation.count for violation in found)
    return Violation(pointer, f"{count} schema violations found", at=at, causes=tuple(found))


def as_report(violations: Sequence[Violation]) -> dict[str, Any]:
    """The cause of a refusal, as senders are told."""
    return {"_streamingValidation": [violation.as_report() for violation in violations]}
