"""A metric and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

FamilyKind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all of its series.

    Attributes:
        name: without the ``_total`` that the samples of a counter have.
        kind: the type that the exposition says.
        unit: in what it counts or measures.
        meaning: one line, which the exposition says too.
        look: when people look at it.
        note: what else is to be known of it, for the page alone.
        labels: by their names the values that there can be; none where the configuration gives them.
    """

    name: str
    kind: FamilyKind
    unit: str
    meaning: str
    look: str
    note: str = ""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The name that queries use; of a histogram, without ``_bucket``, ``_sum`` and ``_count``."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def by_name(families: Iterable[Family]) -> dict[str, Family]:
    """A table in its order."""
    return {family.name: family for family in families}
