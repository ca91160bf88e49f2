"""The fault table on the journal (contract.md#whose-fault)."""

from __future__ import annotations

import pytest
from fault_table import FaultTable, Outcome, outcome_on


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome_on(tmp_path_factory.mktemp("faults"))


class TestOnTheJournal(FaultTable):
    """The table."""
