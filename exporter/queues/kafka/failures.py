"""The failures of the Kafka client and of brokers, in words for people."""

from __future__ import annotations

import os
import socket
from gzip import BadGzipFile

import aiokafka.errors as errors

_UNREACHED = (errors.KafkaError, OSError)
#: The client's errors when a broker cannot be reached or refuses. The RuntimeError is uvloop's, for writing to a
#: connection that is closed already; the client lets the error out.
CLIENT_ERRORS = (*_UNREACHED, EOFError, RuntimeError)


class GivenUp(errors.KafkaError):  # type: ignore[misc]
    """The client has cancelled an indispensable task of its own, and does nothing more."""


class _Explained(errors.KafkaError):  # type: ignore[misc]
    """A failure that was found here, not by the client; ``why`` holds no secret and no event."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoToken(_Explained):
    """There is no token to present to the brokers."""


class NoRight(_Explained):
    """``operation``, in Kafka's words, is not granted to this user on ``what``: the topic or the group."""

    def __init__(self, operation: str, what: str) -> None:
        super().__init__(f"not authorised for the {what}: {operation} is missing; {_GRANT}")


class Unreadable(_Explained):
    """A broker's answer holds no record that the client can read."""


def unreadable(error: Exception) -> Exception:
    """The exception to raise where the client raised ``error``, since decoders of records raise errors of all kinds."""
    if isinstance(error, errors.UnsupportedCodecError):
        # Only the error's text names the codec, and the text holds no data.
        codec = next((name for name in _CODECS if name in str(error)), None)
        return Unreadable(_CODEC_UNKNOWN if codec is None else _codec_missing(codec))
    if isinstance(error, errors.CorruptRecordException):
        return Unreadable("a record is damaged: its checksum is wrong")
    if isinstance(error, _UNREACHED) and not isinstance(error, BadGzipFile):
        return error
    return Unreadable(f"a record cannot be unpacked: is it damaged? ({type(error).__name__})")


def _codec_missing(codec: str) -> str:
    # All codecs but gzip come with a single library.
    return f"it holds records that are compressed with {codec}, for which a library is missing: pip install cramjam"


def reason(error: BaseException) -> str:
    """The reason of ``error``, short. Never the client's own text where that may quote data."""
    if isinstance(error, _Explained):
        return error.why
    for kinds, text in _REASONS:
        if isinstance(error, kinds):
            return text
    if isinstance(error, errors.BrokerResponseError):
        return f"the broker answered {type(error).__name__}"
    if isinstance(error, errors.KafkaConnectionError | errors.NodeNotReadyError):
        return "no broker can be reached"
    if isinstance(error, socket.gaierror):
        # The resolver's own words, and never a broker's.
        return "the name cannot be resolved" + (f": {error.strerror.lower()}" if error.strerror else "")
    if isinstance(error, ConnectionResetError):
        return "the connection was reset"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, RuntimeError | EOFError) and not isinstance(error, errors.KafkaError):
        return "the connection was lost"
    return type(error).__name__


_CODEC_UNKNOWN = "it holds records that are compressed in a way that is not known here"
_CODECS = ("snappy", "lz4", "zstd")
_GRANT = "grant it to this user, docs/queues/kafka.md has the list"
_SIGN_IN = "check `username` and `password`, or `token`, in `sasl`"

_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (errors.TopicAuthorizationFailedError, f"not authorised for the topic; {_GRANT}"),
    (errors.GroupAuthorizationFailedError, f"not authorised for the group; {_GRANT}"),
    (errors.ClusterAuthorizationFailedError, "not authorised for idempotent writes"),
    (
        errors.UnknownTopicOrPartitionError,
        "the topic does not exist, or we may not see it; make it, or check `topic`",
    ),
    (errors.InvalidTopicError, "the topic's name is not valid"),
    (
        (errors.MessageSizeTooLargeError, errors.RecordTooLargeError),
        "an event is larger than the broker takes (message.max.bytes)",
    ),
    (
        (errors.SaslAuthenticationFailed, errors.AuthenticationFailedError),
        f"the broker refused our credentials; {_SIGN_IN}",
    ),
    (
        (errors.AuthenticationMethodNotSupported, errors.UnsupportedSaslMechanismError),
        "the broker does not take this SASL mechanism; check `sasl.mechanism`",
    ),
    (errors.IllegalSaslStateError, "the broker expects another security protocol"),
    (
        errors.InvalidSessionTimeoutError,
        "the broker forbids this session_timeout (group.min.session.timeout.ms)",
    ),
    (errors.InconsistentGroupProtocolError, "other consumers than exporters are in this group"),
    (GivenUp, "the client has given up"),
    (errors.CommitFailedError, "the group has given our lanes to others"),
    (
        (errors.NotLeaderForPartitionError, errors.LeaderNotAvailableError),
        "a partition has no leader there now: brokers change, or the topic was deleted",
    ),
    (
        (errors.NotEnoughReplicasError, errors.NotEnoughReplicasAfterAppendError),
        "too few replicas are in sync (min.insync.replicas)",
    ),
    ((errors.KafkaTimeoutError, errors.RequestTimedOutError, TimeoutError), "no answer in time"),
)
