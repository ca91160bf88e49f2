"""Tokens that stand in the configuration."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256


class StaticTokens:
    """Compares in a time that tells nothing of the tokens. Only their digests are kept, so no repr can show one."""

    __slots__ = ("_digests",)

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(sha256(token.encode()).digest() for token in tokens)

    def has(self, token: str) -> bool:
        """Whether ``token`` is one of them."""
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = False
        for each in self._digests:
            found |= hmac.compare_digest(each, digest)
        return found
