"""The fault table on a stream of NATS JetStream (contract.md#whose-fault)."""

from __future__ import annotations

import pytest
from brokers import Broker, Kind
from fault_table import FaultTable, Outcome, outcome_on

KIND: Kind = "nats"


@pytest.fixture(scope="module")
def outcome(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome_on(tmp_path_factory.mktemp("faults"), broker.steady())


class TestOnNATS(FaultTable):
    """The table."""
