"""What a dataflow asks of authentication, whichever the kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Authorization:
    """What a request presents: an ``Authorization`` header's value, or None. Compared by identity."""

    header: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """No authorization can be had now: the credentials were refused, or the token endpoint fails."""

    cause: Literal["credentials", "token_endpoint"]
    detail: str


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
