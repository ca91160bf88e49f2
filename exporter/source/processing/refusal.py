"""What the profile store refuses: as a bad record, and for a sender that waits for the validation."""

from __future__ import annotations

from exporter.source.processing.examined import Bad
from exporter.source.profiles.merge import steps as store
from exporter.source.profiles.merge.newcomer import told_of_newcomer
from exporter.source.profiles.merge.rules import Rules
from exporter.source.records import Identity, Record
from exporter.source.xdm.validation.violation import Violation


def refused_by_store(bad: store.Bad, whose: Identity) -> Bad:
    """The bad record of what the store refuses as ``bad``; the violation says the same, since no field is to blame."""
    return Bad(bad.reason, bad.detail, (Violation("#", bad.detail, at="#"),), identity=whose)


def refused_alone(record: Record, rules: Rules, max_event_bytes: int) -> Bad | None:
    """Why the store refuses ``record`` although nothing is known of anybody; None where it would not."""
    told = told_of_newcomer(record, rules, max_event_bytes)
    return refused_by_store(told, record.primary) if isinstance(told, store.Bad) else None
