"""Daemons that read from NATS JetStream are killed and stopped under load (contract.md#guarantees)."""

from __future__ import annotations

from broker_contract import Kills
from brokers import Kind

KIND: Kind = "nats"


class TestKills(Kills):
    """The contract."""
