"""The receiver's authorization: a token endpoint by RFC 6749, and the check of a request's authorization."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from urllib.parse import parse_qsl, unquote_plus

from exporter.receiver.options import AuthKind, Credentials

FORM = "application/x-www-form-urlencoded"

#: RFC 6749 §3.2 allows no parameter twice, RFC 8707 §2 and RFC 8693 §2.1 these two.
_REPEATABLE = frozenset({"resource", "audience"})


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access token and the seconds that it lives."""

    token: str = field(repr=False)
    lifetime: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A token request that failed: an error code of RFC 6749 §5.2 and its status."""

    error: str
    description: str
    status: int = 400


class Tokens:
    """Issues tokens, and knows which authorization is good.

    Args:
        kind: the authentication that is demanded.
        credentials: the known credentials.
        lifetime: of a token, in seconds.
        clock: monotonic seconds.
    """

    def __init__(self, kind: AuthKind, credentials: Credentials, lifetime: float, clock: Callable[[], float]) -> None:
        self._kind = kind
        self._credentials = credentials
        self._lifetime = lifetime
        self._clock = clock
        self._good_until: dict[str, float] = {}
        self._reject_until = float("-inf")
        self.issued = 0

    def accepts(self, authorization: str | None) -> bool:
        """Whether the value of an ``Authorization`` header opens the endpoint now."""
        if self._clock() < self._reject_until:
            return False
        scheme, _, presented = (authorization or "").partition(" ")
        is_bearer = scheme.lower() == "bearer"
        match self._kind:
            case "none":
                return True
            case "bearer":
                return is_bearer and _same(presented, self._credentials.token)
            case (
                "oauth2_password"
                | "oauth2_client_credentials"
                | "oauth2_client_credentials_body"
                | "oauth2_client_credentials_basic"
            ):
                return is_bearer and self._good_until.get(presented, float("-inf")) > self._clock()

    def revoke(self) -> None:
        """Refuse every token issued so far."""
        self._good_until.clear()

    def reject_for(self, seconds: float) -> None:
        """Refuse every authorization for ``seconds``, though tokens are still issued."""
        self._reject_until = self._clock() + seconds

    def answer(self, content_type: str, authorization: str | None, body: bytes) -> Issued | Refused:
        """Answer a token request (RFC 6749 §4.3, §4.4).

        Args:
            content_type: the media type without parameters.
            authorization: the header's value.
            body: the form.
        """
        form = _form(content_type, body)
        if isinstance(form, Refused):
            return form
        refused = self._client(form, authorization) or self._grant(form)
        if refused is not None:
            return refused
        now = self._clock()
        self._good_until = {token: until for token, until in self._good_until.items() if until > now}
        token = secrets.token_urlsafe(24)
        self._good_until[token] = now + self._lifetime
        self.issued += 1
        return Issued(token, self._lifetime)

    def _client(self, form: Mapping[str, str], authorization: str | None) -> Refused | None:
        in_body = "client_id" in form or "client_secret" in form
        if authorization is None:
            if self._kind == "oauth2_client_credentials_basic":
                return Refused("invalid_client", "the client must authenticate with Basic", 401)
            client = form.get("client_id", ""), form.get("client_secret", "")
        else:
            if in_body:
                return Refused("invalid_request", "two client authentications at once")
            if self._kind == "oauth2_client_credentials_body":
                return Refused("invalid_client", "the client must authenticate in the body", 401)
            decoded = _basic(authorization)
            if decoded is None:
                return Refused("invalid_client", "the Authorization header is not Basic of two form-encoded parts", 401)
            client = decoded
        known = self._credentials
        # Both are compared whatever the first comparison says, so that the time tells nothing.
        if not (_same(client[0], known.client_id) & _same(client[1], known.client_secret)):
            return Refused("invalid_client", "unknown client or wrong secret", 401)
        return None

    def _grant(self, form: Mapping[str, str]) -> Refused | None:
        wanted = "password" if self._kind == "oauth2_password" else "client_credentials"
        grant = form.get("grant_type")
        if grant is None:
            return Refused("invalid_request", "grant_type is missing")
        if grant != wanted:
            return Refused("unsupported_grant_type", f"only {wanted} is supported")
        if wanted == "password":
            if "username" not in form or "password" not in form:
                return Refused("invalid_request", "username or password is missing")
            known = self._credentials
            if not (_same(form["username"], known.username) & _same(form["password"], known.password)):
                return Refused("invalid_grant", "unknown user or wrong password")
        return None


def _form(content_type: str, body: bytes) -> dict[str, str] | Refused:
    if content_type != FORM:
        return Refused("invalid_request", f"the content type must be {FORM}")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict")
    except ValueError:
        return Refused("invalid_request", "the body is not a form in UTF-8")
    once = [name for name, _ in pairs if name not in _REPEATABLE]
    if len(set(once)) != len(once):
        return Refused("invalid_request", "a parameter is given twice")
    return dict(pairs)


def _basic(authorization: str) -> tuple[str, str] | None:
    """The two parts of Basic, each form-decoded as RFC 6749 §2.3.1 has it."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        return (unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")) if colon else None
    except ValueError:
        return None


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())
