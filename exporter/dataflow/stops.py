"""Stops the outbox for a part of the dataflow and lets sending go on again; logs each change once."""

from __future__ import annotations

from collections.abc import Callable

from exporter.dataflow.dependencies import Dependencies
from exporter.outbox.outbox import Outbox
from exporter.outbox.verdict import PauseReason


class Stops:
    """The stops of a single part, called ``by``; no other part can lift these stops. See ``Outbox.stop``.

    ``lifted`` is called when a reason is gone for every part.
    """

    def __init__(self, dependencies: Dependencies, by: str, lifted: Callable[[], None] = lambda: None) -> None:
        self._dependencies = dependencies
        self._outbox = dependencies.outbox
        self._history = dependencies.metrics.history
        self._epoch = dependencies.clock.epoch
        self._by = by
        self._lifted = lifted

    def stop(self, reason: PauseReason, detail: str) -> bool:
        """Send nothing until ``go``; return whether the reason is new."""
        news = self._outbox.stop(reason, self._by, detail)
        self._history.failed(detail, self._epoch())
        if news:
            tell_pauses(self._dependencies)
        return news

    def go(self, reason: PauseReason) -> None:
        """Lift the stop of this part."""
        if self._outbox.go(reason, self._by):
            tell_pauses(self._dependencies)
            self._lifted()


def tell_pauses(dependencies: Dependencies) -> None:
    """Tell what has changed in the pauses of a dataflow; to be called when its outbox was stopped, or let go on."""
    outbox = dependencies.outbox
    dependencies.pauses.look(dependencies.log, _now(outbox), _next_probe_seconds(dependencies))


def _now(outbox: Outbox) -> dict[PauseReason, str]:
    now = dict(outbox.stop_details)
    if outbox.pause is not None:
        now.setdefault(outbox.pause.reason, outbox.pause.detail)
    return now


def _next_probe_seconds(dependencies: Dependencies) -> float | None:
    """How long until the next probe, as ``/status`` has it: nothing is probed while there is a stop."""
    pause = dependencies.outbox.pause
    if pause is None or dependencies.outbox.stops:
        return None
    return max(0.0, pause.probe_at - dependencies.clock.monotonic())
