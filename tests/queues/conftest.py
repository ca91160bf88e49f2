"""What several files of queue tests share: the queue that a file's ``opening`` opens, and a plain Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from contract import Opening
from kafka_broker import Broker, needed, running

from exporter.queues.port import Queue


@pytest.fixture
async def queue(opening: Opening) -> AsyncIterator[Queue]:
    """The queue of a test, opened."""
    async with opening() as opened:
        yield opened


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One node for a file's tests, each of which makes topics of its own."""
    needed()
    with running(tmp_path_factory.mktemp("kafka") / "broker") as broker:
        yield broker
