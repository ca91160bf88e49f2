"""The decision on a change for a destination (contract.md#triggers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from exporter.profile.malformed import Malformed

Trigger: TypeAlias = Literal["segment", "identity", "attribute", "backfill"]
Reason: TypeAlias = Literal["no_trigger", "switched_off", "not_a_member", "other_destination", "tombstone"]


class Fired(msgspec.Struct, frozen=True, gc=False):
    """The change is exported; ``triggers`` fired, are switched on and passed the gate."""

    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """The change is not exported to the destination."""

    reason: Reason


Decision: TypeAlias = Fired | Excluded | Malformed
