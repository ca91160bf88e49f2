"""What the end of an attempt can mean: what to do, and whose fault a failure was (contract.md#whose-fault)."""

from __future__ import annotations

from typing import Literal

import msgspec

PauseReason = Literal[
    # An operator paused the destination by hand, and nobody but an operator ends that.
    "operator",
    # The endpoint cannot be reached: DNS, connection refused, connect time-out, TLS.
    "unreachable",
    # The breaker opened: too many attempts failed in a way that may pass.
    "failing",
    # The endpoint said when to come back.
    "retry_after",
    # The endpoint or the token endpoint refuses the credentials.
    "credentials",
    # No token can be had: the token endpoint fails or cannot be reached.
    "token_endpoint",
    # The proxy refuses or cannot be reached.
    "proxy",
    # ``pause_after_rejections`` exports in a row were rejected for good: probably the events are not at fault.
    "rejections",
    # The dead letters have reached ``dead_letters_max_bytes``.
    "dead_letters_full",
    # The queue cannot be reached.
    "queue",
    # The store of dead letters cannot be reached.
    "state",
    # Five bugs in a row.
    "bug",
]

DeadLetterReason = Literal["malformed", "rejected", "retries_exhausted", "bug"]


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """2xx."""

    status: int


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The event's fault, for good: a dead letter at once."""

    status: int
    answer: bytes

    def __repr__(self) -> str:
        return f"Rejected({self.status})"


class MaybePassing(msgspec.Struct, frozen=True, gc=False):
    """The event's fault, which may pass: uses up a retry."""

    detail: str
    status: int | None = None
    answer: bytes = b""

    def __repr__(self) -> str:
        return f"MaybePassing({self.detail!r}, {self.status})"


class TooFast(msgspec.Struct, frozen=True, gc=False):
    """429: uses up no retry. ``retry_after_seconds`` is the endpoint's hint, or None."""

    retry_after_seconds: float | None


class CredentialsRefused(msgspec.Struct, frozen=True, gc=False):
    """A status in ``refresh_on``: a new token may help, once, immediately and uncounted."""

    status: int


class Unavailable(msgspec.Struct, frozen=True, gc=False):
    """The destination's fault: pause the dataflow; no retry is used up.

    ``attempted`` says whether the endpoint itself was asked. If so, and the endpoint then takes a different export, the
    fault may be the refused export's after all.
    """

    reason: PauseReason
    detail: str
    status: int | None = None
    retry_after_seconds: float | None = None
    attempted: bool = True


class Broken(msgspec.Struct, frozen=True, gc=False):
    """The exporter's fault: an exception that should not have been."""

    detail: str


Failure = Rejected | MaybePassing | TooFast | Unavailable | Broken
#: The verdicts that the outbox takes; ``CredentialsRefused`` is dealt with before, by the authorizer.
Judged = Delivered | Failure
Verdict = Delivered | Rejected | MaybePassing | TooFast | Unavailable | CredentialsRefused
