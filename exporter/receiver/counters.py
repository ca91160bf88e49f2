"""The counters of a receiver."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """The counts so far, as ``GET /control/counters`` gives them.

    ``requests`` went to the endpoint; ``connections`` carried one or more.
    """

    requests: int = 0
    accepted: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    connections: int = 0
    connections_open: int = 0
    token_requests: Counter[int] = field(default_factory=Counter)
    tokens_issued: int = 0

    def began(self) -> None:
        """Count a request that came."""
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def ended(self, status: int | None) -> None:
        """Count a request that was answered with ``status``, or not at all."""
        self.in_flight -= 1
        if status is None:
            self.unanswered += 1
        else:
            self.by_status[status] += 1
            self.accepted += 200 <= status < 300
