"""What is said of each failure of the client: all of its errors are runtime errors, and few are a lost connection."""

from __future__ import annotations

import aiokafka.errors as errors
import pytest

from exporter.queues.kafka.failures import GivenUp, reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.NotLeaderForPartitionError(), "a partition has no leader there now"),
        (errors.NotEnoughReplicasError(), "too few replicas are in sync"),
        (errors.NotEnoughReplicasAfterAppendError(), "too few replicas are in sync"),
        (errors.CommitFailedError(), "the group has given our lanes to others"),
        (errors.KafkaTimeoutError(), "no answer in time"),
        (errors.RequestTimedOutError(), "no answer in time"),
        (TimeoutError(), "no answer in time"),
        (errors.UnknownTopicOrPartitionError(), "the topic does not exist"),
        (errors.KafkaConnectionError("secret"), "no broker can be reached"),
        (errors.KafkaStorageError("secret"), "the broker answered KafkaStorageError"),
        (errors.KafkaError("secret"), "KafkaError"),
        (GivenUp("secret"), "the client has given up"),
        (RuntimeError("secret"), "the connection was lost"),
        (EOFError("secret"), "the connection was lost"),
        (ConnectionResetError(104, "secret"), "the connection was reset"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_words_for_a_failure(error: Exception, words: str) -> None:
    assert reason(error).startswith(words)
    assert "secret" not in reason(error)
