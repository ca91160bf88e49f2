"""Keys of an outside issuer: fetched when a token needs them, and kept while the issuer is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.source.tokens.key_set import KeySet
from exporter.source.tokens.signed import LEEWAY, UnverifiedToken, judge_token
from exporter.source.tokens.verdicts import Verdict

#: A fetch, whatever it brought, is not followed by another before that many seconds have passed.
APART_SECONDS = 60.0
#: Keys are fetched anew when they are that old, beside the work.
FRESH_SECONDS = 600.0
#: Keys serve that long after the last fetch that brought them.
SERVE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class NoKeys:
    """A fetch brought no keys; ``reason`` is fit for a log."""

    reason: str


Fetch = Callable[[], Awaitable[KeySet | NoKeys]]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens are good: the claim ``iss``, and the claim ``aud`` where one is demanded."""

    issuer: str
    audience: str | None = None


class Issuer:
    """An issuer and its keys. ``run`` fetches them, and must run as long as tokens are judged.

    Args:
        trust: see there.
        fetch: asks for the keys; never raises for what goes wrong on the way.
        monotonic: seconds.
        epoch: epoch seconds, for the times of tokens.
        warn: is told of a fetch that brought no keys.
    """

    def __init__(
        self,
        trust: Trust,
        fetch: Fetch,
        monotonic: Callable[[], float],
        epoch: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        self.trust = trust
        #: Grows with every set of keys that was fetched.
        self.generation = 0
        self._fetch = fetch
        self._monotonic = monotonic
        self._epoch = epoch
        self._warn = warn
        self._keys = KeySet(())
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()

    @property
    def name(self) -> str:
        """The claim ``iss`` of its tokens."""
        return self.trust.issuer

    def known(self, token: UnverifiedToken) -> Verdict | None:
        """The verdict by the keys that there are; None where a fetch may bring the key."""
        now = self._monotonic()
        fetched_at = self._fetched_at
        if fetched_at is None or now - fetched_at > SERVE_SECONDS:
            return None if self._may_fetch(now) else Verdict.UNDECIDED
        if now - fetched_at > FRESH_SECONDS and self._may_fetch(now):
            self._wanted.set()
        key = self._keys.find(token.kid, token.algorithm)
        if key is not None:
            return judge_token(token, key, self.trust.audience, self._epoch())
        if self._keys.knows(token.kid) or not self._may_fetch(now):
            return Verdict.INVALID
        return None

    def lasts(self, token: UnverifiedToken) -> float:
        """For how many seconds a good token will be good, with the leeway."""
        return float(token.claims["exp"]) + LEEWAY - self._epoch()

    async def judge(self, token: UnverifiedToken) -> Verdict:
        """The verdict, after a fetch where one is needed and due."""
        verdict = self.known(token)
        if verdict is None:
            tried = self._tried
            self._wanted.set()
            await tried.wait()
            verdict = self.known(token)
        # Between the two looks a minute cannot pass unless the process stood still.
        return Verdict.UNDECIDED if verdict is None else verdict

    async def run(self) -> None:
        """Fetch when keys are wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._may_fetch(self._monotonic()):
                self._tried_at = self._monotonic()
                self._take(await self._fetch())
            tried, self._tried = self._tried, asyncio.Event()
            tried.set()

    def _take(self, found: KeySet | NoKeys) -> None:
        if isinstance(found, NoKeys):
            self._warn(f"keys of {self.trust.issuer}: {found.reason}")
            return
        self._keys = found
        self._fetched_at = self._monotonic()
        self.generation += 1

    def _may_fetch(self, now: float) -> bool:
        return self._tried_at is None or now - self._tried_at >= APART_SECONDS
