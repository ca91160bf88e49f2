"""Builds token requests: the bytes that Adobe's curl lines send (RFC 6749 §2.3.1, §4.3, §4.4, §6)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from urllib.parse import quote

from authlib.common.urls import add_params_to_qs
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from exporter.messages.exchange import Request
from exporter.transport.requests.headers import own_headers

#: Fields that the exporter fills, so that no ``extra`` may.
CLIENT_FIELDS = frozenset(
    {"grant_type", "client_id", "client_secret", "username", "password", "refresh_token", "scope", "audience"}
)

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Client:
    """The client's identity at the token endpoint, and how it is presented."""

    id: str
    secret: str = field(repr=False)
    placement: Literal["body", "basic"] = "body"
    basic_encoding: Literal["rfc6749", "raw"] = "rfc6749"


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant type and its fields in order; several fields may have the same name, and a field may hold a password."""

    type: str
    fields: Sequence[tuple[str, str]] = field(repr=False)


class TokenRequests:
    """The token requests of a client for a grant."""

    def __init__(self, url: str, client: Client, grant: Grant) -> None:
        self._url = url
        self._client = client
        self._grant = grant

    def full(self) -> Request:
        """A request that presents the grant itself."""
        return self._build(self._grant.type, self._grant.fields)

    def refresh(self, refresh_token: str) -> Request:
        """A request that presents a refresh token instead (RFC 6749 §6).

        Without ``scope``, so that the new token has the old scope; the fields that identify the audience stay.
        """
        dropped = {"username", "password", "scope"}
        kept = [(name, value) for name, value in self._grant.fields if name not in dropped]
        return self._build("refresh_token", [("refresh_token", refresh_token), *kept])

    def _build(self, grant_type: str, fields: Sequence[tuple[str, str]]) -> Request:
        headers = dict(own_headers(_FORM if self._client.placement == "body" else f"{_FORM}; charset=UTF-8"))
        auth = ClientAuth(self._client.id, self._client.secret, self._auth_method())
        url, headers, body = auth.prepare("POST", self._url, headers, prepare_token_request(grant_type))
        # Not by prepare_token_request, which leaves out empty values and whose arguments' names an ``extra`` may have.
        body = add_params_to_qs(body, list(fields))
        headers["Accept"] = "application/json"
        # A literal plus is %2B by now, so every "+" is a space; curl's --data-urlencode writes that as %20.
        form = body.replace("+", "%20").encode("ascii")
        return Request(url, fixed=tuple(headers.items()), own=(), body=form, needs_body=True)

    def _auth_method(self) -> str | Callable[..., tuple[str, dict[str, str], str]]:
        if self._client.placement == "body":
            return "client_secret_post"
        # RFC 6749 §2.3.1: id and secret are form-encoded first, so that a colon in either is no separator. A space
        # becomes %20, which every decoder reads: a plus stays a plus where a server, such as Authlib's, only
        # percent-decodes. ``raw`` is Adobe's curl line unchanged.
        return partial(_basic, partial(quote, safe="") if self._client.basic_encoding == "rfc6749" else str)


def _basic(
    encode: Callable[[str], str], client: ClientAuth, _method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    """Add the header in UTF-8 (RFC 7617 §2.1), since Authlib's own encoding is Latin-1."""
    credentials = f"{encode(client.client_id)}:{encode(client.client_secret)}"
    return uri, {**headers, "Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}, body
