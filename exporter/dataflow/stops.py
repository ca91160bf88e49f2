"""What a part of the dataflow stops the outbox for and lets it go on again, said in the log once each time."""

from __future__ import annotations

from exporter.dataflow.dependencies import Dependencies
from exporter.outbox.verdict import PauseReason


class Stops:
    """Those of one part, which lifts its own only: see ``Outbox.stop``."""

    def __init__(self, dependencies: Dependencies, by: str) -> None:
        self._outbox = dependencies.outbox
        self._log = dependencies.log
        self._by = by

    def stop(self, reason: PauseReason, detail: str) -> bool:
        """Send nothing until ``go``. True: it is news."""
        news = self._outbox.stop(reason, self._by, detail)
        if news:
            self._log.warning("paused", reason=reason, detail=detail)
        return news

    def go(self, reason: PauseReason) -> bool:
        """That reason is gone for this part. True: for all of them."""
        gone = self._outbox.go(reason, self._by)
        if gone:
            self._log.info("resumed", reason=reason)
        return gone
