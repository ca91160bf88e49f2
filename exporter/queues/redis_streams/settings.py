"""The section ``queue`` of the configuration for kind ``redis``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from exporter.queues.port import Queue
from exporter.settings.delivery import Tls
from exporter.settings.mistakes import Mistake, mistake, mistakes
from exporter.settings.section import Secret, Section

_DEFAULT_PORT = 6379
_DATABASE = re.compile(r"/?|/\d{1,5}")


class RedisUrl:
    """``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password where they stand in it.

    Neither shows in a repr, an error or a dump.
    """

    __slots__ = ("database", "host", "password", "path", "port", "tls", "username")

    def __init__(self, text: str) -> None:
        """Take a URL apart. Raises PydanticCustomError; its reason never shows the URL."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise mistake("this is not a URL") from None
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise mistake("a Redis URL must begin with redis://, rediss:// or unix://")
        if parts.query or parts.fragment:
            raise mistake("a Redis URL must have neither a query nor a fragment: use the keys beside it")
        self.tls = parts.scheme == "rediss"
        self.username = unquote(parts.username) if parts.username else None
        self.password = Secret(unquote(parts.password)) if parts.password else None
        self.path = parts.path if parts.scheme == "unix" else None
        self.host = parts.hostname or ""
        self.port = _DEFAULT_PORT if port is None else port
        self.database = 0
        if self.path is not None:
            if not self.path.strip("/") or self.host:
                raise mistake("a unix URL is unix:///path/of/the/socket")
            return
        if not self.host or any(character.isspace() or not character.isprintable() for character in text):
            raise mistake("a Redis URL must name a host, and have no spaces")
        if not _DATABASE.fullmatch(parts.path):
            raise mistake("the path of a Redis URL is the number of a database, /0")
        self.database = int(parts.path.strip("/") or 0)

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{host}:{self.port}/{self.database}"

    def __repr__(self) -> str:
        return f"RedisUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RedisUrl) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[object, ...]:
        return str(self), self.username, self.password

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "uri", "pattern": "^(rediss?|unix)://"}

    @classmethod
    def _validate(cls, value: object) -> RedisUrl:
        if isinstance(value, RedisUrl):
            return value
        if not isinstance(value, str):
            raise mistake("a URL must be text")
        return cls(value)


class RedisSettings(Section):
    """A Redis stream, on Redis 7.0 or newer or on Valkey."""

    kind: Literal["redis"]
    url: RedisUrl = Field(
        RedisUrl("redis://127.0.0.1:6379/0"), description="redis://, rediss:// for TLS, or unix:// and a socket's path."
    )
    stream: str = Field("profile-changes", min_length=1, description="The stream's key.")
    username: str | None = Field(None, description="ACL user; null: the default user, or the one in the URL.")
    password: Secret | None = Field(None, description="Its password, where that is not in the URL.")
    tls: Tls = Field(Tls(), description="Certificates for rediss://.")
    group_prefix: str = Field("exporter.", description="Stands before a destination's name in its group's name.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = []
        if find_spec("redis") is None:
            found.append(Mistake(("kind",), "this kind needs the extra: pip install 'exporter[redis]'"))
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

    def open(self, groups: Collection[str], warn: Callable[[str], None]) -> AbstractAsyncContextManager[Queue]:
        """Connect; ``groups`` are those that the configuration names, now and later; ``warn`` gets what people should
        know.

        Raises:
            QueueUnavailable: Redis cannot be used now.
        """
        from exporter.queues.redis_streams.queue import open_redis

        return open_redis(self, groups=groups, warn=warn)
