"""The section ``queue.sasl`` of the configuration: credentials for the brokers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.operator_text import OneLine
from exporter.sections.quantities import Duration
from exporter.sections.section import ReadAnew, Secret, Section
from exporter.sections.tls import Tls
from exporter.sections.urls import ProxyUrl

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class TokenAuth(OAuth2ClientCredentials):
    """The source of tokens for the brokers: a destination's ``auth``, with its own way to the token endpoint."""

    client_secret: ReadAnew = Field(description="The client's secret.")
    timeout: Annotated[float, Duration(above=0, most=60)] = Field(5.0, description="For a whole token request.")
    tls: Tls = Field(default=Tls(), description="Certificates for the token endpoint.")
    proxy: ProxyUrl | None = Field(
        default=None, repr=False, description="http(s) URL of a forward proxy, user:password@ allowed."
    )

    @model_validator(mode="after")
    def _asked_by_brokers(self) -> Self:
        if "refresh_on" in self.model_fields_set:
            raise mistakes([Mistake(("refresh_on",), "brokers have no HTTP statuses: leave it out")])
        return self


class SaslSettings(Section):
    """Credentials, for brokers that ask for authentication."""

    mechanism: Mechanism = Field(description="OAUTHBEARER takes a token, the others a user name and a password.")
    username: OneLine | None = Field(None, min_length=1, description="For PLAIN and SCRAM.")
    password: Secret | None = Field(None, description="For PLAIN and SCRAM.")
    token: ReadAnew | None = Field(
        None,
        description="For OAUTHBEARER. From !file it is read for every connection, so it may be renewed.",
    )
    auth: TokenAuth | None = Field(
        None, description="For OAUTHBEARER, instead of token: where to fetch tokens, as a destination's auth."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {name for name in ("username", "password", "token", "auth") if getattr(self, name) is not None}
        if self.mechanism == "OAUTHBEARER":
            if named not in ({"token"}, {"auth"}):
                raise mistake("OAUTHBEARER needs either a token or auth, and nothing else")
        elif named != {"username", "password"}:
            raise mistake(f"{self.mechanism} needs username and password and nothing else")
        return self
