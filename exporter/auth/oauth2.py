"""What both OAuth 2.0 kinds have in common: where tokens come from and how the client presents itself there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.authorizer import Authorizer
from exporter.auth.renewal import TokenAuthorizer
from exporter.auth.token_request import CLIENT_FIELDS, Client, Grant, TokenRequests
from exporter.delivery.request import Transport
from exporter.settings.handed_over import one_line
from exporter.settings.mistakes import Mistake, mistakes
from exporter.settings.section import Secret, Section


def _token_url(url: str) -> str:
    """The URL as it was written; its query stays as it is, however many parameters (DESIGN §2.4)."""
    found = [Mistake((), reason) for reason in _wrong_with(url)]
    if found:
        raise mistakes(found)
    return url


def _wrong_with(url: str) -> Iterator[str]:
    if not url.isascii() or not url.isprintable() or " " in url:
        yield "a URL must be ASCII without spaces: percent-encode what is not"
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        yield "this is not a URL"
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname or not usable:
        yield "a URL must be http:// or https:// with a host"
    if "@" in parts.netloc:
        yield "a URL must not carry a user or a password"
    if "#" in url:
        yield "a URL must not have a fragment"


def _text(value: str) -> str:
    """Text that a form can carry: it has an encoding (an environment variable may hold bytes that have none)."""
    if not _encodable(value):
        raise PydanticCustomError("form_text", "this text is not valid UTF-8")
    return one_line(value)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


TokenUrl = Annotated[str, AfterValidator(_token_url)]
Text = Annotated[str, AfterValidator(_text)]
FilledText = Annotated[str, Field(min_length=1), AfterValidator(_text)]
Status = Annotated[int, Field(ge=300, le=599)]


class OAuth2(Section):
    """The keys of both OAuth 2.0 kinds (DESIGN §2.4)."""

    token_url: TokenUrl = Field(description="http(s) URL that tokens are asked from; its query stays as it is.")
    client_id: FilledText = Field(description="The client's id.")
    client_secret: Secret = Field(description="The client's secret.")
    credentials_in: Literal["body", "basic"] = Field(
        default="body", description="Where the client's id and secret go: the form, or the Authorization header."
    )
    basic_encoding: Literal["rfc6749", "raw"] = Field(
        default="rfc6749", description="With basic: form-encoded before base64 (RFC 6749 §2.3.1), or as they are."
    )
    scope: FilledText | None = Field(default=None, description="The form field scope, where it is set.")
    audience: FilledText | None = Field(default=None, description="The form field audience, where it is set.")
    extra: Mapping[FilledText, Text] = Field(default={}, description="More form fields.")
    refresh_on: Annotated[Sequence[Status], Field(min_length=1)] = Field(
        default=(401,), description="Statuses of the endpoint that mean: this token is no longer good."
    )

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        # Each by itself, since any of them may be wrong itself while the others can be looked at.
        found = [*self._taken(), *self._not_sendable()]
        if found:
            raise mistakes(found)
        return self

    def _taken(self) -> Iterator[Mistake]:
        taken = sorted(CLIENT_FIELDS & getattr(self, "extra", {}).keys())
        if taken:
            yield Mistake((), f"extra must not name {', '.join(taken)}: the exporter sets it")

    def _not_sendable(self) -> Iterator[Mistake]:
        raw = getattr(self, "credentials_in", "") == "basic" and getattr(self, "basic_encoding", "") == "raw"
        if raw and ":" in getattr(self, "client_id", ""):
            yield Mistake((), "a client_id with a colon cannot be sent with basic_encoding: raw (RFC 7617 §2)")

    @abstractmethod
    def grant(self) -> Grant:
        """What a full token request asks for."""

    def authorizer(
        self, transport: Transport, *, clock: Callable[[], float], observe: Callable[[str], None]
    ) -> Authorizer:
        """An authorizer that fetches tokens over ``transport`` and renews them.

        Args:
            transport: carries the token requests; its deadline is theirs.
            clock: monotonic seconds.
            observe: called with ``ok``, ``refused`` or ``failed`` once per token request.
        """
        client = Client(
            id=self.client_id,
            secret=self.client_secret.reveal(),
            placement=self.credentials_in,
            basic_encoding=self.basic_encoding,
        )
        requests = TokenRequests(self.token_url, client, self.grant())
        return TokenAuthorizer(requests, transport, frozenset(self.refresh_on), clock=clock, observe=observe)

    def _common_fields(self) -> dict[str, str]:
        """The optional fields of every full request, in the order of the configuration's page."""
        named = {"scope": self.scope, "audience": self.audience}
        return {**{name: value for name, value in named.items() if value is not None}, **self.extra}
