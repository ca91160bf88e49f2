"""Reads a signed token (RFC 7519) and judges its signature and its claims. Pure: the time is passed in."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry, deserialize_compact

from exporter.source.tokens.key_set import FixedKey
from exporter.source.tokens.verdicts import Verdict

#: No token is longer.
MOST_CHARACTERS = 8192
#: How far clocks may stand apart, in seconds.
LEEWAY = 30
_PARTS = 3


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token of three parts, nothing of which is to be believed yet: its issuer and key say only where to ask."""

    text: str = field(repr=False)
    kid: str | None
    algorithm: str
    issuer: str
    claims: dict[str, Any] = field(repr=False)


class OneAlgorithm(JWSRegistry):
    """The library's registry, without its warning of the name EdDSA, by which issuers go on signing (RFC 8037)."""

    max_header_length = MOST_CHARACTERS
    max_payload_length = MOST_CHARACTERS

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()) or name not in self.algorithms:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def read_token(text: str) -> UnverifiedToken | None:
    """The token, None where ``text`` is none. ``jku``, ``x5u``, ``jwk`` and ``x5c`` of its head are never looked at."""
    parts = text.split(".")
    if len(parts) != _PARTS or len(text) > MOST_CHARACTERS or not text.isascii():
        return None
    head, claims = _object(parts[0]), _object(parts[1])
    if head is None or claims is None or "crit" in head:
        return None
    kid, algorithm, issuer = head.get("kid"), head.get("alg"), claims.get("iss")
    if not isinstance(algorithm, str) or not isinstance(issuer, str) or not (kid is None or isinstance(kid, str)):
        return None
    return UnverifiedToken(text, kid, algorithm, issuer, claims)


def judge_token(
    token: UnverifiedToken, key: FixedKey, audience: str | None, now: float, *, grace: float = LEEWAY
) -> Verdict:
    """Whether ``key`` signed ``token``, and its claims hold ``now`` (epoch seconds) for ``audience``; None: for any.

    ``grace``: for how many seconds after its end a token is still good.
    """
    try:
        deserialize_compact(
            token.text, key.key, registry=OneAlgorithm(algorithms=[key.algorithm], strict_check_header=False)
        )
    except (JoseError, ValueError, TypeError):
        return Verdict.INVALID
    claims = token.claims
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not _is_time(expires) or not _is_time(begins) or not _is_for(claims.get("aud"), audience):
        return Verdict.INVALID
    if begins > now + LEEWAY:
        return Verdict.INVALID
    return Verdict.EXPIRED if expires <= now - grace else Verdict.GOOD


def _is_time(claim: object) -> TypeGuard[float]:
    return isinstance(claim, int | float) and not isinstance(claim, bool)


def _is_for(claim: object, audience: str | None) -> bool:
    if audience is None:
        return True
    return claim == audience or (isinstance(claim, list) and audience in claim)


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (NoBase64, ValueError):
        return None
    return found if isinstance(found, dict) else None
