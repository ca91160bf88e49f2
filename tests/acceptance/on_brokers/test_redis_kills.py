"""Daemons that read from Redis Streams are killed and stopped under load (contract.md#guarantees)."""

from __future__ import annotations

from broker_contract import Kills
from brokers import Kind

KIND: Kind = "redis"


class TestKills(Kills):
    """The contract."""
