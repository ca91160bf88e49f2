"""Makes a token of a grant, or says why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

from exporter.source.tokens.issuing.clients import Clients
from exporter.source.tokens.issuing.grants import Grant, Refused
from exporter.source.tokens.issuing.signing_key import SigningKey
from exporter.source.tokens.signed import MOST_CHARACTERS

#: Whom tokens are for: another exporter that trusts this one's keys demands an audience.
AUDIENCE = "exporter"


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, and how many seconds it is good from now on."""

    text: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Issuing:
    """Who gets tokens, which key signs them, and how many seconds they are good."""

    clients: Clients
    key: SigningKey = field(repr=False)
    lifetime: float

    def issue(self, grant: Grant, now: float) -> Issued | Refused:
        """The token of ``grant``, issued at ``now`` (epoch seconds)."""
        issued = int(now)
        expires = issued + max(1, int(self.lifetime))
        claims = {
            "aud": AUDIENCE,
            "client_id": grant.client_id,
            "org": grant.org,
            "scope": ",".join(grant.scopes),
            "iat": issued,
            "exp": expires,
        }
        text = self.key.sign(claims)
        if len(text) > MOST_CHARACTERS:
            return Refused(400, "invalid_scope", f"the token would have more than {MOST_CHARACTERS} characters")
        return Issued(text, expires - now)
