"""A destination's last success, last failure and recent latencies, for ``/status``; reloads leave them alone."""

from __future__ import annotations

from exporter.telemetry.latencies import RecentLatencies


class History:
    """Times are seconds since the epoch; None as long as there was nothing.

    Attributes:
        succeeded_at: when an export was delivered last; written for every delivery.
        failed_at: when something failed last.
        failure: what failed, for people; free of personal data and secrets.
    """

    __slots__ = ("failed_at", "failure", "latencies", "succeeded_at")

    def __init__(self, latencies: RecentLatencies) -> None:
        self.latencies = latencies
        self.succeeded_at: float | None = None
        self.failed_at: float | None = None
        self.failure: str | None = None

    def failed(self, failure: str, at: float) -> None:
        """Note a failure."""
        self.failure, self.failed_at = failure, at
