"""What several files of queue tests share: a Kafka with nothing special about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka_broker import Broker, needed, running


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One node for a file's tests, each of which makes topics of its own."""
    needed()
    with running(tmp_path_factory.mktemp("kafka") / "broker") as broker:
        yield broker
