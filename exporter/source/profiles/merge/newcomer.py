"""What a record would tell of a profile that nothing is known of yet, for who tries a record without a store."""

from __future__ import annotations

from exporter.source.profiles.merge.applying import apply
from exporter.source.profiles.merge.leaves import Paths
from exporter.source.profiles.merge.rules import Rules
from exporter.source.profiles.merge.steps import Bad
from exporter.source.profiles.merge.workspace import Workspace
from exporter.source.records import Record


def told_of_newcomer(record: Record, rules: Rules, max_event_bytes: int) -> bytes | Bad | None:
    """The event that ``record`` makes where no identity of the record has a profile; None where nothing is told."""
    workspace = Workspace(rules, Paths(), max_event_bytes, {}, {}, {}, 1, {})
    outcome = apply(record, workspace)
    if isinstance(outcome, Bad):
        return outcome
    return next((event.body for event in workspace.events), None)
