"""Who judges the tokens of senders, as the configuration has it now; issuers that stay keep their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from exporter.dataflow.dependencies import Clock
from exporter.source.settings.serve import TokenIssuer
from exporter.source.settings.serve import Tokens as TokenSettings
from exporter.source.tokens.fetching import fetch_keys
from exporter.source.tokens.issuer import Issuer, Trust
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.static import StaticTokens
from exporter.tasks.lifetimes import must_live
from exporter.transport.tls.contexts import TlsContexts


class SenderTokens:
    """Makes judges, and runs in ``tasks`` the issuers of the judge that was made last, until ``close``.

    ``warn`` is told of keys that could not be fetched.
    """

    def __init__(self, tasks: asyncio.TaskGroup, clock: Clock, warn: Callable[[str], None]) -> None:
        self._tasks = tasks
        self._clock = clock
        self._warn = warn
        self._contexts = TlsContexts()
        self._running: dict[TokenIssuer, tuple[Issuer, asyncio.Task[None]]] = {}

    def judge(self, section: TokenSettings) -> TokenJudge:
        """The judge by ``section``, in place of the one before."""
        before = dict(self._running)
        issuers = {each: before[each] if each in before else self._begun(each) for each in section.jwks}
        for each in before.keys() - issuers.keys():
            before[each][1].cancel()
        self._running = issuers
        static = StaticTokens([each.token.reveal() for each in section.static])
        return TokenJudge(static, [issuer for issuer, _ in issuers.values()], self._clock.monotonic)

    def close(self) -> None:
        """End the issuers."""
        for _, task in self._running.values():
            task.cancel()
        self._running = {}

    def _begun(self, section: TokenIssuer) -> tuple[Issuer, asyncio.Task[None]]:
        trust = Trust(section.issuer, section.audience)
        fetch = fetch_keys(section.url, self._contexts)
        issuer = Issuer(trust, fetch, self._clock.monotonic, self._clock.epoch, self._warn)
        return issuer, self._tasks.create_task(must_live("fetching keys", partial(issuer.run)))
