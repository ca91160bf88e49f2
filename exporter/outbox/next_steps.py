"""What the outbox says: what to do now, and what follows an attempt."""

from __future__ import annotations

import msgspec

from exporter.messages.export import Export
from exporter.outbox.verdict import DeadLetterReason


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send this export now."""

    export: Export


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Send this export now, to find out whether the destination is back."""

    export: Export


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Nothing to send before this time; None: not before something is added, answered or resumed."""

    until: float | None


class Settle(msgspec.Struct, frozen=True, gc=False):
    """Done with: acknowledge it."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """Store it as a dead letter, then say ``stored``; until then it keeps its place in line."""

    reason: DeadLetterReason


class Hold(msgspec.Struct, frozen=True, gc=False):
    """It stays in line and will be sent again."""


#: There is but one, and it is said of nearly every attempt.
SETTLE = Settle()

Take = Send | Probe | Wait
Next = Settle | DeadLetter | Hold
