"""The port between a dataflow and authentication, the same for every kind."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

from exporter.sections.masking import credentials
from exporter.sections.section import Secret, Section, values_of
from exporter.sections.tls import Tls
from exporter.transport.port import Transport


@dataclass(frozen=True, slots=True, eq=False)
class Authorization:
    """The value of a request's ``Authorization`` header, or None for none. Compared by identity."""

    header: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """No authorization can be had now: the credentials were refused, or the token endpoint or the proxy fails.

    ``retry_after_seconds``: no token is asked for before that time has passed, since the token endpoint said so.
    """

    cause: Literal["credentials", "token_endpoint", "proxy"]
    detail: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The things that an authorizer works with besides its settings.

    Attributes:
        clock: monotonic seconds.
        epoch: the wall clock in epoch seconds, for a ``Retry-After`` that is a date.
        observe: called once per token request with ``ok``, ``refused`` or ``failed``, and in words why, fit for a log.
        note: called with a sentence that an operator should know, at most once for each authorizer.
        retry_after_cap: the seconds to which a longer ``Retry-After`` is cut.
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
        """Statuses of the endpoint that mean a refused authorization."""
        ...

    def at_hand(self) -> Authorization | None:
        """The authorization to present now; None where ``authorize`` may have to wait for it."""
        ...

    async def authorize(self) -> Authorization | Unauthorized:
        """The authorization to present now; fetches or renews a token where needed (single flight)."""
        ...

    async def renew(self, refused: Authorization) -> Authorization | Unauthorized:
        """Replace an authorization that the endpoint refused.

        Drops ``refused`` only if still current, so that a late refusal never throws away its successor.
        ``Unauthorized`` with cause ``credentials`` where there is nothing else to present.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenServer:
    """Where a kind fetches tokens, and the way there.

    ``tls`` and ``proxy`` are as in the section: None stands for the destination's, the proxy ``none`` for no proxy.
    """

    url: str
    tls: Tls | None
    proxy: str | None = field(repr=False)


class AuthSection(Section):
    """What the section of every kind answers for itself: no other room asks which kind a section is of."""

    #: The value of ``Authorization`` as people may see it.
    presented: ClassVar[str | None]

    @abstractmethod
    def authorizer(self, transport: Transport, surroundings: Surroundings) -> Authorizer:
        """An authorizer for one destination; ``transport`` is for token requests, each within its deadline."""

    @property
    def token_server(self) -> TokenServer | None:
        """None for a kind that fetches no tokens."""
        return None

    def secrets(self) -> Iterator[str]:
        """What an endpoint or a token server gets to see of the secrets, as texts to mask in what comes back."""
        for secret in values_of(Secret, self):
            yield from credentials(secret.reveal())
