"""What a request for a token is worth: a grant, or the refusal of RFC 6749 §5.2. Pure: the time is passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporter.source.tokens.issuing.assertions import flaw
from exporter.source.tokens.issuing.clients import Client, Clients

_SEPARATORS = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to say."""

    client_id: str
    org: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no token: ``error`` for programs, ``description`` for people; neither shows what was sent."""

    status: int
    error: str
    description: str


Fields: TypeAlias = Mapping[str, str]
Judge: TypeAlias = Callable[[Fields, Clients, float], Grant | Refused]


def client_credentials(fields: Fields, clients: Clients, _now: float) -> Grant | Refused:
    """A token for a client's secret (RFC 6749 §4.4)."""
    return _of_type("client_credentials", fields) or _granted(fields, clients)


def authorization_code(fields: Fields, clients: Clients, _now: float) -> Grant | Refused:
    """A token for a client's secret and a permanent code. No code is configured anywhere: the secret decides."""
    return _of_type("authorization_code", fields) or _lacking("code", fields) or _granted(fields, clients)


def signed_assertion(fields: Fields, clients: Clients, now: float) -> Grant | Refused:
    """A token for a client's secret and a JWT that its key has signed; ``now`` in epoch seconds.

    Where any client gets a token the JWT has to be there, and nothing else: nobody's key is known.
    """
    if (refused := _lacking("jwt_token", fields)) is not None:
        return refused
    found = _client(fields, clients)
    if isinstance(found, Refused):
        return found
    if clients.open_org is None:
        wrong = flaw(fields["jwt_token"], fields["client_id"], found, now)
        if wrong is not None:
            return Refused(400, "invalid_grant", wrong)
    return _with_scopes(fields, found)


def _of_type(demanded: str, fields: Fields) -> Refused | None:
    if (refused := _lacking("grant_type", fields)) is not None:
        return refused
    if fields["grant_type"] != demanded:
        return Refused(400, "unsupported_grant_type", f"grant_type should be {demanded} here")
    return None


def _lacking(name: str, fields: Fields) -> Refused | None:
    return None if fields.get(name) else Refused(400, "invalid_request", f"{name} is missing")


def _granted(fields: Fields, clients: Clients) -> Grant | Refused:
    found = _client(fields, clients)
    return found if isinstance(found, Refused) else _with_scopes(fields, found)


def _client(fields: Fields, clients: Clients) -> Client | Refused:
    for name in ("client_id", "client_secret"):
        if (refused := _lacking(name, fields)) is not None:
            return refused
    found = clients.find(fields["client_id"], fields["client_secret"])
    return found or Refused(401, "invalid_client", "client_id and client_secret are not those of a client")


def _with_scopes(fields: Fields, client: Client) -> Grant | Refused:
    """Scopes are joined by commas, as clients of the reference system do, or by spaces; none: all that it may name."""
    asked = tuple(dict.fromkeys(filter(None, _SEPARATORS.split(fields.get("scope", "")))))
    if client.scopes and not set(asked) <= set(client.scopes):
        return Refused(400, "invalid_scope", "scope names something that this client's tokens may not")
    return Grant(fields["client_id"], client.org, asked or client.scopes)
