"""What goes wrong with Kafka, in words for people: every error of the client becomes ``QueueUnavailable`` here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import aiokafka.errors as errors

from exporter.queues.port import QueueUnavailable

#: What the client raises when a broker cannot be reached or refuses.
CLIENT_ERRORS = (errors.KafkaError, OSError, TimeoutError, asyncio.TimeoutError)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Let the client's errors out as ``QueueUnavailable``, saying what was being done.

    Raises:
        QueueUnavailable: with a reason that holds no secret and no event.
    """
    try:
        yield
    except CLIENT_ERRORS as error:
        raise QueueUnavailable(f"{doing}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Why, short. Never the client's own text where that may quote data."""
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return text
    if isinstance(error, errors.BrokerResponseError):
        return f"the broker answered {type(error).__name__}"
    if isinstance(error, errors.KafkaConnectionError):
        return "no broker can be reached"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.TopicAuthorizationFailedError, "not authorised for the topic"),
    (errors.GroupAuthorizationFailedError, "not authorised for the group"),
    (errors.ClusterAuthorizationFailedError, "not authorised for idempotent writes"),
    (errors.UnknownTopicOrPartitionError, "the topic does not exist, or we may not see it"),
    (errors.InvalidTopicError, "the topic's name is not valid"),
    (errors.MessageSizeTooLargeError, "an event is larger than the broker takes (message.max.bytes)"),
    (errors.RecordTooLargeError, "an event is larger than the broker takes (message.max.bytes)"),
    (errors.SaslAuthenticationFailed, "the broker refused our credentials"),
    (errors.AuthenticationFailedError, "the broker refused our credentials"),
    (errors.AuthenticationMethodNotSupported, "the broker does not take this SASL mechanism"),
    (errors.UnsupportedSaslMechanismError, "the broker does not take this SASL mechanism"),
    (errors.IllegalSaslStateError, "the broker expects another security protocol"),
    (
        errors.InvalidSessionTimeoutError,
        "the broker forbids this session_timeout (group.min.session.timeout.ms)",
    ),
    (errors.InconsistentGroupProtocolError, "other consumers than exporters are in this group"),
    (errors.CommitFailedError, "the group has given our lanes to others"),
    (errors.NotEnoughReplicasError, "too few replicas are in sync (min.insync.replicas)"),
    (errors.NotEnoughReplicasAfterAppendError, "too few replicas are in sync (min.insync.replicas)"),
    (errors.KafkaTimeoutError, "no answer in time"),
    (errors.RequestTimedOutError, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (asyncio.TimeoutError, "no answer in time"),
)
