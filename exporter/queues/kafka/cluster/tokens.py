"""Tokens for OAUTHBEARER: from a file, or fetched as a destination's are. Asked for whenever a connection is made."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka.abc import AbstractTokenProvider

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.queues.kafka.failures import NoToken
from exporter.queues.kafka.sasl import TokenAuth
from exporter.queues.port import QueueUnavailable
from exporter.sections.schedules import probe_delay
from exporter.sections.section import Secret
from exporter.tasks.off_loop import off_loop
from exporter.transport.opening import open_transport
from exporter.transport.options import TransportOptions
from exporter.transport.tls.contexts import TlsFilesUnusable

#: Without a connection the client asks ten times a second; a failing token endpoint is asked as seldom as by probes.
_MOST_SECONDS = 15.0
#: Between two tokens that brokers refuse; with more, the authorizer would take every token of the endpoint for bad.
_REFUSED_SECONDS = 15.0


class Tokens(AbstractTokenProvider):  # type: ignore[misc]
    """The source of tokens for the client, shared by all connections of a queue."""

    @abstractmethod
    async def token(self) -> str:
        """The token to present now.

        Raises:
            NoToken: there is none, with the reason.
        """

    async def refused(self, token: str) -> None:
        """Note that a broker refused ``token``."""


class KeptTokens(Tokens):
    """A token that is renewed elsewhere; ``read`` gives the token as of now."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    async def token(self) -> str:
        return await off_loop(self._read)


class FetchedTokens(Tokens):
    """Tokens from a token endpoint: renewed before they expire, and when a broker refused one.

    After a failure all callers get the same answer for a while, so that many clients that try to connect again and
    again do not become many token requests.

    Args:
        authorizer: makes the authorizer that presents the given client secret.
        secret: the client's secret as of now.
        clock: monotonic seconds.
        delay: seconds to wait after the n-th failure in a row, n from 0.
    """

    def __init__(
        self,
        authorizer: Callable[[str], Authorizer],
        secret: Callable[[], str],
        clock: Callable[[], float],
        delay: Callable[[int], float],
    ) -> None:
        self._make = authorizer
        self._secret = secret
        self._clock = clock
        self._delay = delay
        self._with = secret()
        self._authorizer = authorizer(self._with)
        self._last: Authorization | None = None
        self._why = ""
        self._again_at = float("-inf")
        self._renew_at = float("-inf")
        self._failures = 0

    async def token(self) -> str:
        await self._look_at_the_secret()
        if self._clock() < self._again_at:
            raise NoToken(self._why)
        return self._presented(await self._authorizer.authorize())

    async def refused(self, token: str) -> None:
        """Fetch a new token, unless ``token`` was replaced already, or a refusal or failure came just before."""
        last, now = self._last, self._clock()
        if last is not None and _bare(last) == token and now >= max(self._again_at, self._renew_at):
            self._renew_at = now + _REFUSED_SECONDS
            self._presented(await self._authorizer.renew(last))

    def _presented(self, outcome: Authorization | Unauthorized) -> str:
        if isinstance(outcome, Unauthorized):
            if self._clock() >= self._again_at:  # of several callers that waited for an answer, the first
                self._why = outcome.detail
                self._again_at = self._clock() + min(_MOST_SECONDS, self._delay(self._failures))
                self._failures += 1
            raise NoToken(self._why)
        self._failures = 0
        self._last = outcome
        return _bare(outcome)

    async def _look_at_the_secret(self) -> None:
        secret = await off_loop(self._secret)
        if secret != self._with:
            self._with = secret
            self._authorizer = self._make(secret)
            self._again_at = float("-inf")


def _bare(authorization: Authorization) -> str:
    return (authorization.header or "").removeprefix("Bearer ")


@asynccontextmanager
async def fetched_tokens(auth: TokenAuth, warn: Callable[[str], None]) -> AsyncIterator[FetchedTokens]:
    """Tokens as ``auth`` says, fetched over separate connections; ``warn`` hears what is odd about a token.

    Raises:
        QueueUnavailable: a certificate file cannot be used.
    """
    async with AsyncExitStack() as stack:
        options = TransportOptions(timeout_seconds=auth.timeout, concurrency=1, tls=auth.tls, proxy=auth.proxy)
        try:
            transport = await stack.enter_async_context(open_transport("auto", options))
        except TlsFilesUnusable as error:
            raise QueueUnavailable(str(error)) from error

        def authorizer(secret: str) -> Authorizer:
            with_secret = auth.model_copy(update={"client_secret": Secret(secret)})
            return with_secret.authorizer(transport, Surroundings(note=warn))

        yield FetchedTokens(authorizer, auth.client_secret.current, time.monotonic, probe_delay(random.uniform))
