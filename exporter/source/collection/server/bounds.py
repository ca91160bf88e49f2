"""The limits of the server: how large a head may be, and how long a client may take for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds, bytes and counts.

    Attributes:
        head_bytes: the request line and all fields, with the empty line behind them.
        head_fields: fields of a head.
        head_seconds: from the first byte of a head to its last.
        body_seconds: from the head to the last byte of the body.
        body_grace_seconds: after which a body must have come with ``body_rate`` bytes a second on average.
        idle_seconds: between an answer and the first byte of the next request.
        linger_seconds: how long what a client still sends is read and dropped before its connection is closed.
        write_seconds: how long a client may leave an answer unread.
        pipelined: requests of a connection that wait for their answers; beyond, its socket is not read.
        sweep_seconds: how late a deadline is noticed at most.
    """

    head_bytes: int = 16 * 1024
    head_fields: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_grace_seconds: float = 5.0
    body_rate: int = 1024
    idle_seconds: float = 75.0
    linger_seconds: float = 2.0
    write_seconds: float = 30.0
    pipelined: int = 16
    sweep_seconds: float = 0.5
