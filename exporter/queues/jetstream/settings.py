"""The section ``queue`` of the configuration for kind ``nats``."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from exporter.sections.extras import missing_extra
from exporter.sections.matching import Matching
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.operator_text import OneLine
from exporter.sections.quantities import Duration, Size
from exporter.sections.section import ReadAnew, ReadAnewLines, Section
from exporter.sections.tls import TlsReadAnew

StreamName = Annotated[
    str, Matching("[A-Za-z0-9_-]{1,200}", "1 to 200 letters (A to Z), digits, hyphens or underscores")
]
_Inbox = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", "letters (A to Z), digits, hyphens or underscores, with dots between"
    ),
]
_SEED = re.compile(r"SU[A-Z2-7]{56}")
_MOST_REPLICAS = 5


class NatsSettings(Section):
    """A stream of NATS JetStream."""

    kind: Literal["nats"] = "nats"
    url: str = Field(
        "nats://127.0.0.1:4222",
        description="nats://host:port, or tls:// to insist on TLS; several servers of a cluster with commas.",
    )
    stream: StreamName = Field("profile-changes", description="The stream to read and to publish to.")
    create: bool = Field(False, description="Make the stream where it is missing, with the subjects `<stream>.*`.")
    replicas: int = Field(1, ge=1, le=_MOST_REPLICAS, description="Of a stream that `create` makes.")
    max_bytes: Annotated[int, Size(above=0)] | None = Field(
        None, description="Of a stream that `create` makes: beyond it the oldest events go, read or not."
    )
    max_age: Annotated[float, Duration(above=0)] | None = Field(
        None, description="Of a stream that `create` makes: older events go, read or not."
    )
    bucket: StreamName | None = Field(
        None, description="The key-value bucket of positions, made where missing: `<stream>-positions`."
    )
    lease: Annotated[float, Duration(least=1, most=300)] = Field(
        8.0, description="The silence after which a standby takes a reader's place."
    )
    domain: StreamName | None = Field(None, description="The JetStream domain, where the servers have several.")
    inbox_prefix: _Inbox = Field("_INBOX", description="Where answers go, if not to _INBOX.")
    user: OneLine | None = Field(None, min_length=1, description="With password.")
    password: ReadAnew | None = Field(None, description="With user.")
    token: ReadAnew | None = Field(None, description="In place of user and password.")
    nkey: ReadAnew | None = Field(None, description="A user's NKey seed (SU...), in place of user and password.")
    credentials: ReadAnewLines | None = Field(
        None, description="The text of a .creds file, in place of user and password."
    )
    tls: TlsReadAnew = Field(default=TlsReadAnew(), description="Certificates of the connection.")
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")

    @field_validator("kind")
    @classmethod
    def _is_installed(cls, kind: str) -> str:
        missing = missing_extra("nats", "nats", "nkeys")
        if missing is not None:
            raise mistake(missing)
        return kind

    @field_validator("url")
    @classmethod
    def _is_server(cls, url: str) -> str:
        found = [Mistake((), reason) for reason in dict.fromkeys(map(_wrong_with, servers(url))) if reason]
        if found:
            raise mistakes(found)
        return url

    @field_validator("nkey")
    @classmethod
    def _is_seed(cls, nkey: ReadAnew | None) -> ReadAnew | None:
        if nkey is not None and not is_seed(nkey.reveal()):
            raise mistake("an NKey seed of a user begins with SU and has 58 characters")
        return nkey

    @field_validator("credentials")
    @classmethod
    def _is_credentials(cls, credentials: ReadAnewLines | None) -> ReadAnewLines | None:
        if credentials is not None and not is_credentials(credentials.reveal()):
            raise mistake("this is not the text of a .creds file: use !file to name one")
        return credentials

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        found = []
        if (self.user is None) != (self.password is None):
            found.append(Mistake(("user" if self.user else "password",), "user and password go together"))
        ways = [name for name in ("user", "token", "nkey", "credentials") if getattr(self, name) is not None]
        found += [Mistake((way,), f"there is {ways[0]} already: only one way to sign in") for way in ways[1:]]
        if found:
            raise mistakes(found)
        return self

    @property
    def positions(self) -> str:
        """The bucket's name."""
        return self.bucket or f"{self.stream}-positions"


def servers(url: str) -> list[str]:
    """The servers that ``url`` names."""
    return [server.strip() for server in url.split(",")]


def is_seed(text: str) -> bool:
    """Whether ``text`` looks like the seed of a user's NKey."""
    return _SEED.fullmatch(text.strip()) is not None


def is_credentials(text: str) -> bool:
    """Whether ``text`` has both parts of a .creds file. The client library waits for ever for a missing part."""
    _, _, seed = text.partition("BEGIN USER NKEY SEED")
    return "BEGIN NATS USER JWT" in text and _SEED.search(seed) is not None


def _wrong_with(server: str) -> str | None:
    if not server.isascii() or any(character.isspace() or not character.isprintable() for character in server):
        return "a server's URL must be printable ASCII without spaces"
    try:
        parts = urlsplit(server)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "this is not a URL"
    if parts.scheme not in {"nats", "tls"}:
        return "a server's URL must begin with nats:// or tls://"
    if "@" in parts.netloc:
        return "a server's URL must not carry a user, password or token: there are keys for them"
    if not host or port == 0:
        return "a server's URL must name a host, and no port 0"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "a server's URL is only scheme, host and port"
    return None
