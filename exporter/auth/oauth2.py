"""The common part of both OAuth 2.0 kinds: where tokens come from and how the client presents itself there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.authorizer import Authorizer, AuthSection, Surroundings, TokenServer
from exporter.auth.renewal import TokenAuthorizer
from exporter.auth.token_request import CLIENT_FIELDS, Client, Grant, TokenRequests
from exporter.sections.masking import SECRET_NAME, basic, credentials, password_in
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.operator_text import one_line
from exporter.sections.section import MASK, Secret
from exporter.sections.tls import Tls
from exporter.sections.urls import HTTP_PATTERN, proxy_url
from exporter.transport.port import Transport


def _token_url(url: str) -> str:
    """The URL as written; the query stays unchanged, however many parameters (contract.md#configuration)."""
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
    """Text that a form can carry: valid UTF-8, which the bytes of an environment variable need not be."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("form_text", "this text is not valid UTF-8") from None
    return one_line(value)


def _values(value: object) -> str | tuple[str, ...]:
    """The value of a form field: a text, or several, each sent as a field of that name (RFC 8707 §2)."""
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list | tuple) or not value:
        raise mistake("should be text, or a list of texts that are sent one by one")
    found = [Mistake((index,), "should be text") for index, text in enumerate(value) if not isinstance(text, str)]
    if found:
        raise mistakes(found)
    return tuple(_text(text) for text in value)


def _filled_values(value: object) -> str | tuple[str, ...]:
    values = _values(value)
    if not all(_each(values)):
        raise mistake("must not be empty")
    return values


def _each(values: str | tuple[str, ...]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values


_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def _proxy(text: str) -> str:
    return text if text == "none" else proxy_url(text)


_PROXIES = {"anyOf": [{"type": "string", "format": "uri", "pattern": HTTP_PATTERN}, {"const": "none"}]}

TokenProxy = Annotated[str, AfterValidator(_proxy), WithJsonSchema(_PROXIES)]
TokenUrl = Annotated[str, AfterValidator(_token_url)]
FilledText = Annotated[str, Field(min_length=1), AfterValidator(_text)]
#: Without a serializer of its own pydantic would take a list for a mistake, and warn with what is in it.
_AS_THEY_ARE = PlainSerializer(lambda values: values)
Values = Annotated[str | tuple[str, ...], PlainValidator(_values), _AS_THEY_ARE, WithJsonSchema(_TEXTS)]
FilledValues = Annotated[str | tuple[str, ...], PlainValidator(_filled_values), _AS_THEY_ARE, WithJsonSchema(_TEXTS)]
Status = Annotated[int, Field(ge=300, le=599)]


class OAuth2(AuthSection):
    """The keys of both OAuth 2.0 kinds (contract.md#configuration)."""

    presented: ClassVar[str | None] = f"Bearer {MASK}"

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
    audience: FilledValues | None = Field(
        default=None, description="The form field audience, where it is set; a list: several of them."
    )
    extra: Mapping[FilledText, Values] = Field(
        default={}, description="More form fields; a list of values: as many fields of that name."
    )
    refresh_on: Annotated[Sequence[Status], Field(min_length=1)] = Field(
        default=(401,), description="Statuses of the endpoint that mean: this token is no longer good."
    )
    tls: Tls | None = Field(
        default=None,
        description="Certificates for the token endpoint, {} for none of ours; null: the destination's.",
    )
    proxy: TokenProxy | None = Field(
        default=None,
        repr=False,
        description="http(s) URL of the way to the token endpoint, none: no proxy; null: the destination's.",
    )

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        # Each by itself, since a field may be wrong itself while the rest can be looked at.
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
        """The grant that a full token request presents."""

    def authorizer(self, transport: Transport, surroundings: Surroundings) -> Authorizer:
        """An authorizer that fetches and renews tokens over ``transport``, within the transport's deadline."""
        client = Client(
            id=self.client_id,
            secret=self.client_secret.reveal(),
            placement=self.credentials_in,
            basic_encoding=self.basic_encoding,
        )
        requests = TokenRequests(self.token_url, client, self.grant())
        return TokenAuthorizer(requests, transport, frozenset(self.refresh_on), surroundings)

    @property
    def token_server(self) -> TokenServer:
        return TokenServer(self.token_url, self.tls, self.proxy)

    def secrets(self) -> Iterator[str]:
        yield from super().secrets()
        yield from basic(self.client_id, self.client_secret.reveal())
        for name, values in self.extra.items():
            if SECRET_NAME.search(name):
                for value in _each(values):
                    yield from credentials(value)
        if self.proxy is not None:
            yield from password_in(self.proxy)

    def _common_fields(self) -> list[tuple[str, str]]:
        """The optional fields of every full request, in the order of the configuration's page."""
        named = {"scope": self.scope, "audience": self.audience, **self.extra}
        return [(name, value) for name, values in named.items() if values is not None for value in _each(values)]
