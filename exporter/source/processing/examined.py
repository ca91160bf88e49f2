"""What examining a record needs by chance, and what comes of it: a record to apply, a bad one, or neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from exporter.source.dataprep.outcomes import MappingError
from exporter.source.records import Identity, Record
from exporter.source.xdm.identified import IdentityWarning
from exporter.source.xdm.validation.violation import Violation

BadReason: TypeAlias = Literal[
    "mapping", "xdm", "no_primary_identity", "operation", "dataset", "flow_deleted", "too_large", "bug"
]


@dataclass(frozen=True, slots=True)
class Chances:
    """What a mapping may ask for, passed in: random bytes, a clock in seconds, and the processor's for this thread.

    Without the last, the clock's seconds count.
    """

    random: Callable[[int], bytes]
    clock: Callable[[], float]
    spent: Callable[[], float] | None = None


class Good(msgspec.Struct, frozen=True, gc=False):
    """A record to apply, with what is worth a note."""

    record: Record
    errors: tuple[MappingError, ...] = ()
    warnings: tuple[IdentityWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """The record is sound, and its dataset is none of profiles."""


@dataclass(frozen=True, slots=True)
class Bad:
    """The record cannot be applied. ``detail`` holds no data of it; ``violations`` are as the sender would see them.

    ``identity`` is whose the record is, as far as that can be known.
    """

    reason: BadReason
    detail: str
    violations: tuple[Violation, ...] = ()
    errors: tuple[MappingError, ...] = ()
    identity: Identity | None = field(default=None, repr=False)

    @property
    def told(self) -> tuple[Violation, ...]:
        """What a sender that waits is told: never nothing."""
        return self.violations or (Violation("#", self.detail, at="#"),)


Examined: TypeAlias = Good | Aside | Bad
