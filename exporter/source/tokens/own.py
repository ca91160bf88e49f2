"""Judges tokens of our own, by the key that signed them: nothing is fetched, and nothing looked up."""

from __future__ import annotations

from collections.abc import Callable

from exporter.source.tokens.issuing.issuing import Issuing
from exporter.source.tokens.signed import UnverifiedToken, judge_token
from exporter.source.tokens.verdicts import Verdict


class OwnTokens:
    """An ``Issuing`` as one of the issuers. ``epoch`` reads epoch seconds.

    A client that has been taken out of the configuration has no good token any more.
    """

    #: One key for good.
    generation = 0

    def __init__(self, issuing: Issuing, epoch: Callable[[], float]) -> None:
        self._issuing = issuing
        self._epoch = epoch

    @property
    def name(self) -> str:
        """The claim ``iss`` of its tokens."""
        return self._issuing.key.issuer

    def known(self, token: UnverifiedToken) -> Verdict:
        """The verdict, by the very second: whoever issued it has this clock."""
        key = self._issuing.key.public
        if token.kid != key.kid or token.algorithm != key.algorithm:
            return Verdict.INVALID
        verdict = judge_token(token, key, None, self._epoch(), grace=0)
        known = self._issuing.clients.known(token.claims.get("client_id"))
        return verdict if known else Verdict.INVALID

    async def judge(self, token: UnverifiedToken) -> Verdict:
        """As ``known``."""
        return self.known(token)

    def lasts(self, token: UnverifiedToken) -> float:
        """For how many seconds a good token will be good."""
        return float(token.claims["exp"]) - self._epoch()
