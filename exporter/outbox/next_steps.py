"""What the outbox says: the next thing to do, and what follows an attempt."""

from __future__ import annotations

import msgspec

from exporter.messages.export import Export
from exporter.outbox.verdict import DeadLetterReason


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send ``export`` now."""

    export: Export


class Probe(msgspec.Struct, frozen=True, gc=False):
    """Send ``export`` now, to find out whether the destination is back."""

    export: Export


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Nothing to send before ``until``; None: not before something is added, answered or resumed."""

    until: float | None


class Settle(msgspec.Struct, frozen=True, gc=False):
    """The export is delivered: acknowledge the event."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """Store a dead letter, then call ``stored``; until then the export keeps its place."""

    reason: DeadLetterReason


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Nothing: the export will be sent again, here or by the lane's next reader."""


#: Shared: nearly every attempt ends so.
SETTLE = Settle()

Take = Send | Probe | Wait
Next = Settle | DeadLetter | Hold
