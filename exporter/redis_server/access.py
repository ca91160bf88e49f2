"""How to reach a Redis server: the keys of every section of the configuration that names a server."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from exporter.redis_server.url import RedisUrl
from exporter.sections.extras import missing_extra
from exporter.sections.mistakes import Mistake, mistakes
from exporter.sections.operator_text import OneLine
from exporter.sections.section import ReadAnew, Section
from exporter.sections.tls import Tls


class RedisAccess(Section):
    """A Redis server's address, the user, and the certificates."""

    url: RedisUrl = Field(
        RedisUrl("redis://127.0.0.1:6379/0"), description="redis://, rediss:// for TLS, or unix:// and a socket's path."
    )
    username: OneLine | None = Field(None, description="ACL user; null: the default user, or the one in the URL.")
    password: ReadAnew | None = Field(None, description="Its password, where that is not in the URL.")
    tls: Tls = Field(Tls(), description="Certificates for rediss://.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = []
        missing = missing_extra("redis", "redis")
        if missing is not None:
            found.append(Mistake(("kind",), missing))
        if self.username is not None and self.url.username is not None:
            found.append(Mistake(("username",), "the URL names a user already"))
        if self.password is not None and self.url.password is not None:
            found.append(Mistake(("password",), "the URL carries a password already"))
        if (self.username or self.url.username) and not (self.password or self.url.password):
            found.append(Mistake(("username",), "a user needs a password"))
        if self.tls != Tls() and not self.url.tls:
            found.append(Mistake(("tls",), "certificates are only used with rediss://"))
        if found:
            raise mistakes(found)
        return self
