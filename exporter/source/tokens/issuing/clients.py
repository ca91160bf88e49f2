"""Who gets tokens: clients by their names, with the digests of their secrets."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from exporter.source.tokens.key_set import FixedKey

#: What is compared where there is no such client: a name costs as much time whether or not it is known.
_NOBODY = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Client:
    """A client.

    Attributes:
        org: the organisation that its tokens name.
        digest: SHA-256 of its secret.
        scopes: what its tokens may name; empty: anything.
        key: what signs its JWTs; None: it sends none.
    """

    org: str
    digest: bytes = field(repr=False)
    scopes: tuple[str, ...] = ()
    key: FixedKey | None = None


@dataclass(frozen=True, slots=True)
class Clients:
    """All clients.

    Attributes:
        named: by name.
        open_org: the organisation of clients that are not named, where any client and any secret are good; else None.
    """

    named: Mapping[str, Client]
    open_org: str | None = None

    def known(self, name: object) -> bool:
        """Whether the client gets tokens, for the right secret."""
        return self.open_org is not None or (isinstance(name, str) and name in self.named)

    def find(self, name: str, secret: str) -> Client | None:
        """The client, where ``secret`` is its own; the time that this takes tells nothing of secrets and names."""
        found = self.named.get(name)
        presented = sha256(secret.encode()).digest()
        right = hmac.compare_digest(presented, _NOBODY if found is None else found.digest)
        if self.open_org is not None:
            return found or Client(self.open_org, presented)
        return found if right else None
