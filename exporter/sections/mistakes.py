"""How a validator reports several mistakes, each at its own place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

Step = str | int
Steps = tuple[Step, ...]

KIND = "mistakes"


@dataclass(frozen=True, slots=True)
class Mistake:
    """``at``: the place of the mistake, from the value that the validator was given; ``reason`` holds no secret.

    ``beside``: where that value has what the mistake collides with.
    """

    at: Steps
    reason: str
    beside: Steps | None = None


def mistakes(found: Sequence[Mistake]) -> PydanticCustomError:
    """The error for a validator to raise; ``exporter.settings.loading.translation`` takes the error apart."""
    text = "; ".join(mistake.reason for mistake in found)
    return PydanticCustomError(KIND, "{text}", {"text": text, KIND: tuple(found)})


def mistake(reason: str) -> PydanticCustomError:
    """The error for one mistake in the value that the validator was given."""
    return mistakes([Mistake((), reason)])
