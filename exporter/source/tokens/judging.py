"""Judges tokens of all kinds, and remembers good ones for a while, since a sender shows the same token each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from exporter.source.tokens.signed import UnverifiedToken, read_token
from exporter.source.tokens.static import StaticTokens
from exporter.source.tokens.verdicts import Verdict

#: A good token is believed for that many seconds without another look, and no longer than the keys that signed it.
_REMEMBERED_SECONDS = 10.0
_REMEMBERED = 10_000


class Signer(Protocol):
    """Whoever issues tokens, an outside issuer or this process.

    ``name`` is the claim ``iss``; ``generation`` grows with every change of the keys.
    """

    @property
    def name(self) -> str: ...

    @property
    def generation(self) -> int: ...

    def known(self, token: UnverifiedToken) -> Verdict | None:
        """The verdict, where nothing needs to be fetched for it; else None."""
        ...

    async def judge(self, token: UnverifiedToken) -> Verdict:
        """The verdict, which may wait for keys to be fetched."""
        ...

    def lasts(self, token: UnverifiedToken) -> float:
        """For how many seconds a good token will be good."""
        ...


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A good token: until when (monotonic seconds), and by which keys of its issuer."""

    until: float
    issuer: Signer
    generation: int

    def holds(self) -> bool:
        """Whether the issuer's keys are still those."""
        return self.issuer.generation == self.generation


class TokenJudge:
    """``Tokens`` that are configured or issued. Tokens are remembered by their digests alone."""

    def __init__(self, static: StaticTokens, issuers: Sequence[Signer], monotonic: Callable[[], float]) -> None:
        self._static = static
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._monotonic = monotonic
        self._remembered: dict[bytes, _Remembered] = {}

    def known(self, token: str) -> Verdict | None:
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and remembered.until > self._monotonic() and remembered.holds():
            return Verdict.GOOD
        if self._static.has(token):
            return Verdict.GOOD
        found = self._issued(token)
        if found is None:
            return Verdict.INVALID
        read, issuer = found
        verdict = issuer.known(read)
        if verdict is Verdict.GOOD:
            self._remember(digest, issuer, read)
        return verdict

    async def judge(self, token: str) -> Verdict:
        found = self._issued(token)
        if found is None:
            return Verdict.GOOD if self._static.has(token) else Verdict.INVALID
        read, issuer = found
        return await issuer.judge(read)

    def client(self, token: str) -> str:
        read = read_token(token)
        named = None if read is None else read.claims.get("client_id")
        return named if isinstance(named, str) else ""

    def _issued(self, token: str) -> tuple[UnverifiedToken, Signer] | None:
        read = read_token(token)
        issuer = self._issuers.get(read.issuer) if read is not None else None
        return None if read is None or issuer is None else (read, issuer)

    def _remember(self, digest: bytes, issuer: Signer, token: UnverifiedToken) -> None:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        until = self._monotonic() + min(_REMEMBERED_SECONDS, issuer.lasts(token))
        self._remembered[digest] = _Remembered(until, issuer, issuer.generation)
