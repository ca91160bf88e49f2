"""What a dataflow asks of authentication, whichever the kind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Authorization:
    """What a request presents: an ``Authorization`` header's value, or None. Compared by identity."""

    header: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """No authorization can be had now: the credentials were refused, or the token endpoint or the proxy fails.

    ``retry_after_seconds``: nothing is asked before that time has passed, since the token endpoint said so.
    """

    cause: Literal["credentials", "token_endpoint", "proxy"]
    detail: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an authorizer works with besides its settings.

    Attributes:
        clock: monotonic seconds.
        epoch: the wall clock in epoch seconds, for a ``Retry-After`` that is a date.
        observe: called once per token request with ``ok``, ``refused`` or ``failed``, and in words why, fit for a log.
        note: called with a sentence when there is something that an operator should know, each said once.
        retry_after_cap: a longer ``Retry-After`` is cut to these seconds.
    """

    clock: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time
    observe: Callable[[str, str], None] = lambda _outcome, _why: None
    note: Callable[[str], None] = lambda _sentence: None
    retry_after_cap: float = 3600.0


class Authorizer(Protocol):
    """Holds the current authorization of one destination."""

    @property
    def refresh_on(self) -> frozenset[int]:
        """Statuses of the endpoint that mean: this authorization is refused."""
        ...

    async def authorize(self) -> Authorization | Unauthorized:
        """The authorization to present now; fetches or renews a token where one is needed (single flight)."""
        ...

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        """Replace an authorization that the endpoint refused.

        Drops it only if it is still the current one, so that a late refusal never throws away its successor.
        ``Unauthorized`` with cause ``credentials`` where there is nothing else to present.
        """
        ...
