"""Who judges tokens, and what own tokens are made by, as the configuration has it now; issuers that stay keep keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from hashlib import sha256

from exporter.dataflow.dependencies import Clock
from exporter.source.settings.ims import ImsClient
from exporter.source.settings.serve import Serve, TokenIssuer
from exporter.source.tokens.fetching import fetch_keys
from exporter.source.tokens.issuer import Issuer, Trust
from exporter.source.tokens.issuing.clients import Client, Clients
from exporter.source.tokens.issuing.issuing import Issuing
from exporter.source.tokens.issuing.signing_key import SigningKey
from exporter.source.tokens.judging import TokenJudge
from exporter.source.tokens.key_set import read_public_key
from exporter.source.tokens.own import OwnTokens
from exporter.source.tokens.static import StaticTokens
from exporter.tasks.lifetimes import must_live
from exporter.transport.tls.contexts import TlsContexts


class SenderTokens:
    """Makes judges, and runs in ``tasks`` the issuers of the judge that was made last, until ``close``.

    ``warn`` is told of keys that could not be fetched; ``key`` signs tokens of our own.

    Attributes:
        issuing: what tokens are made by, those that the judge that was made last takes for its own; None: nothing.
    """

    def __init__(self, tasks: asyncio.TaskGroup, clock: Clock, warn: Callable[[str], None], key: SigningKey) -> None:
        self.issuing: Issuing | None = None
        self._key = key
        self._tasks = tasks
        self._clock = clock
        self._warn = warn
        self._contexts = TlsContexts()
        self._running: dict[TokenIssuer, tuple[Issuer, asyncio.Task[None]]] = {}

    def judge(self, serving: Serve) -> TokenJudge:
        """The judge by ``serve.tokens`` and ``serve.ims``, in place of the one before."""
        before = dict(self._running)
        issuers = {each: before[each] if each in before else self._begun(each) for each in serving.tokens.jwks}
        for each in before.keys() - issuers.keys():
            before[each][1].cancel()
        self._running = issuers
        self.issuing = issuing_of(serving, self._key)
        own = [] if self.issuing is None else [OwnTokens(self.issuing, self._clock.epoch)]
        static = StaticTokens([each.token.reveal() for each in serving.tokens.static])
        return TokenJudge(static, [*(issuer for issuer, _ in issuers.values()), *own], self._clock.monotonic)

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


def issuing_of(serving: Serve, key: SigningKey) -> Issuing | None:
    """What tokens are made by; None where the endpoints are switched off, or nobody beyond loopback could get one."""
    section = serving.gives_tokens
    if section is None:
        return None
    named = {each.client_id: _client(each) for each in section.clients}
    return Issuing(Clients(named, serving.org_id if section.open else None), key, section.lifetime)


def _client(section: ImsClient) -> Client:
    pem = section.jwt_public_key
    key = None if pem is None else read_public_key(pem)
    return Client(section.org, sha256(section.secret.reveal().encode()).digest(), section.scopes, key)
