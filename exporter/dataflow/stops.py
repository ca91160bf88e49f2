"""Stops the outbox for a part of the dataflow and lets sending go on again; logs each change once."""

from __future__ import annotations

from collections.abc import Callable

from exporter.dataflow.dependencies import Dependencies
from exporter.outbox.verdict import PauseReason


class Stops:
    """The stops of a single part, called ``by``; no other part can lift these stops. See ``Outbox.stop``.

    ``lifted`` is called when a reason is gone for every part.
    """

    def __init__(self, dependencies: Dependencies, by: str, lifted: Callable[[], None] = lambda: None) -> None:
        self._outbox = dependencies.outbox
        self._log = dependencies.log
        self._history = dependencies.metrics.history
        self._epoch = dependencies.clock.epoch
        self._by = by
        self._lifted = lifted

    def stop(self, reason: PauseReason, detail: str) -> bool:
        """Send nothing until ``go``; return whether the reason is new."""
        news = self._outbox.stop(reason, self._by, detail)
        self._history.failed(detail, self._epoch())
        if news:
            self._log.warning("paused", reason=reason, detail=detail)
        return news

    def go(self, reason: PauseReason) -> None:
        """Lift the stop of this part."""
        if self._outbox.go(reason, self._by):
            self._log.info("resumed", reason=reason)
            self._lifted()
