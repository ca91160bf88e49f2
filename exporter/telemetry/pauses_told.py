"""What the log tells of a destination's pauses: when each reason begins to hold and when it ends, always both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from exporter.outbox.verdict import PauseReason
from exporter.telemetry.logs import Log

_ENDED: Final = "the dataflow has ended"
_ENDED_BY_HAND: Final = "the dataflow has ended; the pause stays until an operator ends it"


@dataclass(slots=True)
class _Told:
    """A pause that was told ``since`` a moment, and not its end yet; ``detail`` is the last that is known of it."""

    since: float
    detail: str


class PausesTold:
    """The pauses of a destination that were told, and not their end yet; they outlive a dataflow that fails.

    Attributes:
        any: whether there are any; read after each attempt.
        by_hand: what an operator said of the pause by hand, the detail of the reason ``operator``.
        by_hand_since: when the operator paused, by the clock, which may be before the process began; None: just now.
    """

    __slots__ = ("_clock", "_ended", "_told", "any", "by_hand", "by_hand_since")

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """``clock`` never goes back, in seconds."""
        self._clock = clock
        self._told: dict[PauseReason, _Told] = {}
        self._ended = False
        self.any = False
        self.by_hand = ""
        self.by_hand_since: float | None = None

    @property
    def since(self) -> float | None:
        """When the first of them began, by the clock; None where there is none."""
        return min((told.since for told in self._told.values()), default=None)

    def look(self, log: Log, now: Mapping[PauseReason, str], next_probe_seconds: float | None = None) -> None:
        """Tell ``log`` what has changed: ``now`` are the reasons that hold, each with its detail as ``/status`` has it.

        ``next_probe_seconds`` is how long until the next probe of a new one.
        """
        if self._ended:
            return
        for reason in [reason for reason in self._told if reason not in now]:
            self._resumed(log, reason, still_paused=sorted(now))
        for reason, detail in now.items():
            said = detail or (self.by_hand if reason == "operator" else "")
            if (told := self._told.get(reason)) is not None:
                told.detail = said
                continue
            since = self.by_hand_since if reason == "operator" else None
            self._told[reason] = _Told(self._clock() if since is None else since, said)
            self.any = True
            probed = {} if next_probe_seconds is None else {"next_probe_seconds": round(next_probe_seconds, 1)}
            log.warning("paused", reason=reason, detail=said, **probed)

    def end(self, log: Log) -> None:
        """Tell that no pause goes on here, since the dataflow has ended; nothing is told afterwards."""
        for reason in list(self._told):
            self._resumed(log, reason, why=_ENDED_BY_HAND if reason == "operator" else _ENDED)
        self._ended = True

    def _resumed(self, log: Log, reason: PauseReason, **more: object) -> None:
        told = self._told.pop(reason)
        self.any = bool(self._told)
        seconds = round(self._clock() - told.since, 1)
        log.info("resumed", reason=reason, detail=told.detail, seconds=seconds, **{k: v for k, v in more.items() if v})
