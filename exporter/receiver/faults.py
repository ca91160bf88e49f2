"""The faults that a receiver plays, and the effect of each fault on a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated

from pydantic import Field, FiniteFloat

from exporter.sections.section import Section

Seconds = Annotated[FiniteFloat, Field(ge=0)]
Status = Annotated[int, Field(ge=200, le=599)]


class Faults(Section):
    """The faults, until changed. The defaults are a healthy endpoint.

    A status other than 2xx, ``silent`` and ``reset`` come before authentication, as in an outage; ``rate`` and
    ``fail_rate`` strike only requests that were let in; ``latency`` and ``body_stall`` strike every answer.
    """

    status: Status = 200
    """Answered to every request that no other fault strikes."""
    latency: Seconds = 0.0
    """Seconds before each answer."""
    fail_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the requests that get one of ``fail_status``."""
    fail_status: Annotated[tuple[Status, ...], Field(min_length=1)] = (503,)
    """Statuses of failures, chosen at random among these."""
    retry_after: Annotated[int, Field(ge=0)] | None = None
    """Seconds in the ``Retry-After`` header of every 429 and 503."""
    rate: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """Requests a second; above it 429 is answered."""
    body_stall: Seconds = 0.0
    """Seconds between the head of an answer and its body."""
    silent: bool = False
    """Read requests and never answer."""
    reset: bool = False
    """Read requests and close the connection without an answer."""
    token_status: Annotated[int, Field(ge=400, le=599)] | None = None
    """The token endpoint answers this: 400 and 401 refuse the credentials, the others say that it fails."""
    refuse_credentials: bool = False
    """No authorization is good and no token is issued: the credentials were revoked."""


class FaultChange(Faults):
    """The document that ``PUT /control`` takes: faults, and things that happen once."""

    revoke: bool = False
    """Refuse every token issued so far."""
    reject_auth_seconds: Seconds | None = None
    """Refuse every authorization for so long; tokens are still issued."""
    refuse_seconds: Seconds | None = None
    """Close all other connections and refuse new ones for so long, those to ``/control`` included."""

    def faults(self) -> Faults:
        """The faults that stay."""
        return Faults.model_validate(self.model_dump(include=set(Faults.model_fields)))


def changed(faults: Faults, change: Mapping[str, object]) -> FaultChange:
    """Apply ``change`` to ``faults``; a fault that is not named stays.

    Raises:
        pydantic.ValidationError: an unknown name or a bad value.
    """
    return FaultChange.model_validate({**faults.model_dump(), **change})


@dataclass(slots=True)
class RateLimit:
    """A token bucket that holds a tenth of a second, at least a single request."""

    allowance: float = 1.0
    at: float = float("-inf")

    def admits(self, rate: float, now: float) -> bool:
        """Whether a request at ``now`` (monotonic seconds) stays within ``rate`` a second."""
        self.allowance = min(max(1.0, rate / 10), self.allowance + (now - self.at) * rate) if rate else 0.0
        self.at = now
        if self.allowance < 1:
            return False
        self.allowance -= 1
        return True


def failure(faults: Faults, random: Random, limit: RateLimit, now: float) -> int | None:
    """The status with which a request that was let in fails, or None."""
    if faults.rate is not None and not limit.admits(faults.rate, now):
        return 429
    if faults.fail_rate and random.random() < faults.fail_rate:
        return random.choice(faults.fail_status)
    return None
