"""The status of a dataflow, for ``/status`` and for ``exporter status``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DataflowState = Literal["starting", "standby", "running", "paused", "draining"]


@dataclass(frozen=True, slots=True)
class PausedByHand:
    """An operator's pause: ``since`` in epoch seconds, ``by`` whom and ``why``, each empty where unknown.

    ``warning`` says what becomes meanwhile of what waits in the queue; None where nothing does.
    """

    since: float
    by: str
    why: str
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class DataflowStatus:
    """A dataflow at one moment.

    Times are seconds: ``paused_since`` since the epoch, all other times durations. None means not known, or not now.
    ``last_failure`` is free of personal data and secrets. ``received`` to ``retried`` count since the process started,
    so that two samples give rates; ``dead_letters`` is how many the store holds now. ``operator`` is the pause by hand.
    """

    destination: str
    state: DataflowState
    paused: tuple[str, ...] = ()
    paused_since: float | None = None
    next_probe_seconds: float | None = None
    last_failure: str | None = None
    lag_messages: int | None = None
    lag_seconds: float | None = None
    oldest_pending_seconds: float | None = None
    in_flight: int = 0
    concurrency: int = 0
    window_events: int = 0
    received: int = 0
    excluded: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    retried: int = 0
    dead_letters: int = 0
    operator: PausedByHand | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the process is ready, and if not, every reason why; reasons are shown to whoever asks."""

    ready: bool
    reasons: tuple[str, ...] = ()
