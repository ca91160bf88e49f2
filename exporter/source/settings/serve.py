"""The section ``serve``: where records are taken, by whom, and within which limits."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from exporter.auth.presented import DemandedToken
from exporter.sections.matching import Matching
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.quantities import Duration, Rate, RateAMinute, Size
from exporter.sections.section import Section
from exporter.sections.tls import PemFiles, ReadableFile
from exporter.sections.urls import HttpUrl, ListenHost
from exporter.source.settings.ims import Ims

_Port = Annotated[int, Field(ge=0, le=65535)]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address, as far as the address tells."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ServeTls(PemFiles):
    """The certificate of the data plane."""

    cert_file: ReadableFile | None = Field(default=None, description="PEM with the certificate, its chain behind it.")
    key_file: ReadableFile | None = Field(default=None, description="PEM with its key; null: it stands in cert_file.")
    client_ca_file: ReadableFile | None = Field(
        default=None, description="PEM with the authorities of clients, which then must present a certificate (mTLS)."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.cert_file is None:
            lone = [name for name in ("key_file", "client_ca_file") if getattr(self, name) is not None]
            if lone:
                raise mistakes([Mistake((name,), "needs cert_file beside it") for name in lone])
        return self


class StaticToken(Section):
    """A token that never expires, known by a name."""

    name: str = Field(min_length=1, description="For people.")
    token: DemandedToken = Field(description="What the client presents.")


class TokenIssuer(Section):
    """An outside issuer, whose keys are fetched."""

    url: HttpUrl = Field(description="Where its JWKS is: https, or loopback.")
    issuer: str = Field(min_length=1, description="What `iss` must be.")
    audience: str = Field(min_length=1, description="What `aud` must be, or hold.")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        url = urlsplit(self.url)
        if url.scheme == "http" and not is_loopback(url.hostname or ""):
            raise mistakes([Mistake(("url",), "keys are fetched by https only, but from this machine")])
        return self


class Tokens(Section):
    """Who may use authenticated inlets, and the control plane where it says ``tokens``, beside those of ``ims``."""

    static: tuple[StaticToken, ...] = Field(default=(), description="Tokens of this configuration.")
    jwks: tuple[TokenIssuer, ...] = Field(default=(), description="Issuers whose tokens are good.")


class Api(Section):
    """The control plane, on a listener of its own."""

    host: ListenHost = Field(default="127.0.0.1", description="Address to listen on.")
    port: _Port = Field(default=8086, description="Port to listen on; 0: any that is free.")
    auth: Literal["none", "tokens"] = Field(default="none", description="none, or tokens: those of `tokens` and `ims`.")
    open: bool = Field(default=False, description="Says yes to auth: none on an address that others reach.")
    org_ids: tuple[str, ...] = Field(default=(), description="What x-gw-ims-org-id may be; empty: anything.")
    api_keys: tuple[str, ...] = Field(default=(), description="What x-api-key may be; empty: anything.")

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.auth == "none" and not self.open and not is_loopback(self.host):
            reason = f"anybody who reaches {self.host} could act: write auth: tokens, or open: true if that is wanted"
            raise mistakes([Mistake(("auth",), reason)])
        return self


class ServeOps(Section):
    """Where the serving process answers questions about itself."""

    host: ListenHost = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: _Port = Field(default=9465, description="Port to listen on; 0: any that is free.")


def _overload(status: int) -> int:
    if status not in (500, 503):
        raise mistake("should be 500 or 503")
    return status


class Serve(Section):
    """The data plane, the control plane, and their limits."""

    host: ListenHost = Field(default="127.0.0.1", description="Address of the data plane (/collection/...).")
    port: _Port = Field(default=8085, description="Its port; 0: any that is free.")
    public_url: HttpUrl | None = Field(
        default=None, description="What the URLs of inlets begin with; null: http(s)://host:port."
    )
    tls: ServeTls = Field(default=ServeTls(), description="The data plane's certificate.")
    api: Api = Field(default=Api(), description="The control plane.")
    cors: tuple[str, ...] = Field(default=(), description="Origins that get CORS headers on the data plane.")
    tokens: Tokens = Field(default=Tokens(), description="Who may use authenticated inlets.")
    ims: Ims | None = Field(default=Ims(), description="The built-in token endpoints; null: none.")
    ops: ServeOps = Field(default=ServeOps(), description="/live, /ready, /metrics, /status, and a page.")
    org_id: str = Field(
        default="ABCDEF0123456789@AdobeOrg", min_length=1, description="The organisation that messages must name."
    )
    tenant: Annotated[str, Matching("[a-z0-9]+", "small letters (a to z) and digits")] = Field(
        default="acme", description="Stands in the ids of schemas."
    )
    sandboxes: tuple[str, ...] = Field(default=("prod",), min_length=1, description="The sandboxes that are known.")
    max_body: Annotated[int, Size(least=1024)] = Field(
        default=1024**2, description="A larger request body is refused, before and after it is unpacked."
    )
    memory: Annotated[int, Size(above=0)] = Field(
        default=64 * 1024**2, description="Bodies and answers in hand, all together."
    )
    hold: Annotated[float, Duration(above=0)] = Field(
        default=12.0, description="How long a request waits for the intake before 503; below drain."
    )
    overload_status: Annotated[int, AfterValidator(_overload)] = Field(
        default=503, description="503; or 500 for Adobe's Kafka sink, which drops a record that is answered 503."
    )
    rate: Annotated[float, Rate(above=0)] | None = Field(
        default=None, description="Records a second of an inlet; null: no limit."
    )
    sync_rate: Annotated[float, RateAMinute(above=0)] | None = Field(
        default=None, description="Synchronous validations a minute of an inlet; null: no limit."
    )
    mapping_time: Annotated[float, Duration(above=0)] = Field(
        default=0.05, description="How long the mapping of one record may keep the processor busy."
    )
    drain: Annotated[float, Duration(most=3600)] = Field(
        default=15.0, description="How long SIGTERM waits for what is in hand."
    )

    @property
    def gives_tokens(self) -> Ims | None:
        """The section ``ims``, where the token endpoints answer and their tokens are good."""
        if self.ims is None or not self.ims.enabled:
            return None
        reachable = self.ims.clients or self.ims.open or is_loopback(self.api.host)
        return self.ims if reachable else None

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        found = []
        if self.ims is not None and self.ims.open and not self.api.open and not is_loopback(self.api.host):
            reason = f"anybody who reaches {self.api.host} would get a token: write api.open: true if that is wanted"
            found.append(Mistake(("ims", "open"), reason))
        if self.hold >= self.drain:
            found.append(Mistake(("hold",), f"should be below drain ({self.drain:g} s), or a stop cuts what is held"))
        if self.memory < 2 * self.max_body:
            found.append(Mistake(("memory",), "should be twice max_body at least"))
        if found:
            raise mistakes(found)
        return self
