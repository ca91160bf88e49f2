"""The keys of an issuer, each with the one algorithm that it is used with (RFC 7517, RFC 7518)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from warnings import catch_warnings, simplefilter

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey


class NoKey(Exception):
    """A text is no key that can be used; the error's text says why, and shows nothing of it."""


#: Where a key does not name its algorithm; a key that names one that is not of its kind is left out.
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_LEAST_RSA_BITS = 2048
#: So many in base64, without padding.
_LEAST_RSA_CHARACTERS = 342
_KEYS = 100


@dataclass(frozen=True, slots=True)
class FixedKey:
    """A public key for signatures of ``algorithm`` alone."""

    kid: str | None
    algorithm: str
    key: Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that were published together."""

    keys: tuple[FixedKey, ...]

    def find(self, kid: str | None, algorithm: str) -> FixedKey | None:
        """The key that a token names; a token that names none is meant for the only key of its algorithm."""
        if kid is not None:
            return next((key for key in self.keys if key.kid == kid and key.algorithm == algorithm), None)
        fitting = [key for key in self.keys if key.algorithm == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def knows(self, kid: str | None) -> bool:
        """Whether a key has that name."""
        return kid is None or any(key.kid == kid for key in self.keys)


def read_key_set(document: Any) -> KeySet | None:
    """The keys for signatures in a JWK set; None where ``document`` is none. What cannot be used is passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    return KeySet(tuple(key for each in listed[:_KEYS] if (key := _fixed(each)) is not None))


def read_public_key(pem: bytes) -> FixedKey:
    """The RSA key of a PEM text, which may be a certificate, for signatures of RS256 alone.

    Raises:
        NoKey: it is none, or a private one, or too short.
    """
    if b"PRIVATE KEY" in pem:
        raise NoKey("should hold the public key: the private one stays with the client")
    try:
        with catch_warnings():
            simplefilter("ignore")  # of a key that is too short, which is refused below
            key = RSAKey.import_key(pem)
        bits = key.public_key.key_size
    except (JoseError, ValueError, TypeError):
        raise NoKey("holds no RSA key in PEM, and no certificate with one") from None
    if bits < _LEAST_RSA_BITS:
        raise NoKey(f"holds a key of {bits} bits, which is too short: {_LEAST_RSA_BITS} are the least")
    return FixedKey(None, "RS256", key)


def _fixed(jwk: object) -> FixedKey | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        found = _imported(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if found is None:
        return None
    key, algorithm = found
    return FixedKey(kid, algorithm, key)


def _imported(jwk: dict[str, Any]) -> tuple[Key, str] | None:
    stated = jwk.get("alg")
    match jwk.get("kty"):
        case "RSA":
            algorithm = stated if stated is not None else "RS256"
            if len(jwk["n"]) < _LEAST_RSA_CHARACTERS:
                return None  # before the library warns of it
            key = RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
            fits = algorithm in _RSA and key.public_key.key_size >= _LEAST_RSA_BITS
            return (key, algorithm) if fits else None
        case "EC":
            algorithm = _CURVES.get(str(jwk.get("crv")), "")
            if not algorithm or stated not in (None, algorithm):
                return None
            return ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}), algorithm
        case "OKP" if jwk.get("crv") == "Ed25519" and stated in (None, "EdDSA", "Ed25519"):
            return OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")}), stated or "EdDSA"
        case _:
            return None  # "oct" above all: a published secret signs nothing
