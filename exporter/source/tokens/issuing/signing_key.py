"""The key that signs tokens of our own: made once, kept as text, and never shown."""

from __future__ import annotations

from typing import Any, Final

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import serialize_compact

from exporter.source.tokens.key_set import FixedKey, NoKey
from exporter.source.tokens.signed import OneAlgorithm

_CURVE: Final = "Ed25519"
#: The name of RFC 8037, which verifiers know; that of RFC 9864 is young.
_ALGORITHM = "EdDSA"
#: RFC 9278: who issues is known by the key alone, by no name that a server is reached by.
_ISSUER = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"


def new_key() -> str:
    """A new key as text, to be kept: it is a secret."""
    return orjson.dumps(OKPKey.generate_key(_CURVE).as_dict(private=True)).decode()


class SigningKey:
    """A key from the text of ``new_key``. No repr shows it.

    Attributes:
        public: the public part, by which tokens are verified.
        issuer: the claim ``iss`` of its tokens: the same as long as there is this key, and no other key's.

    Raises:
        NoKey: by the constructor: the text is none.
    """

    __slots__ = ("_key", "issuer", "public")

    def __init__(self, text: str) -> None:
        try:
            self._key = OKPKey.import_key(orjson.loads(text))
            thumbprint = self._key.thumbprint()
            if not self._key.is_private or self._key.curve_name != _CURVE:
                raise ValueError
            public = OKPKey.import_key(self._key.as_dict(private=False))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise NoKey("the key that signs tokens is none") from None
        self.public = FixedKey(thumbprint, _ALGORITHM, public)
        self.issuer = _ISSUER + thumbprint

    def sign(self, claims: dict[str, Any]) -> str:
        """A token that says ``claims``, and who issues it."""
        head = {"alg": _ALGORITHM, "typ": "JWT", "kid": self.public.kid}
        said = orjson.dumps({"iss": self.issuer, **claims})
        return serialize_compact(head, said, self._key, registry=OneAlgorithm(algorithms=[_ALGORITHM]))

    def published(self) -> dict[str, Any]:
        """The JWK set by which others verify its tokens."""
        public = self.public.key.as_dict(private=False)
        return {"keys": [{**public, "kid": self.public.kid, "alg": _ALGORITHM, "use": "sig"}]}
