"""A Redis server's URL in the configuration."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from exporter.sections.mistakes import mistake
from exporter.sections.operator_text import one_line
from exporter.sections.section import FromFile, Secret

_DEFAULT_PORT = 6379
_DATABASE = re.compile(r"/?|/\d{1,5}")


class RedisUrl:
    """``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password where the URL has them.

    Neither shows in a repr, an error or a dump. ``file`` is where it came from, if from ``!file``.
    """

    __slots__ = ("database", "file", "host", "password", "path", "port", "tls", "username")

    def __init__(self, text: str) -> None:
        """Take a URL apart.

        Raises:
            PydanticCustomError: the URL cannot be used; the reason never shows the URL.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise mistake("this is not a URL") from None
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise mistake("a Redis URL must begin with redis://, rediss:// or unix://")
        if parts.query or parts.fragment:
            raise mistake("a Redis URL must have neither a query nor a fragment: use the keys beside it")
        self.file = text.file if isinstance(text, FromFile) else None
        self.tls = parts.scheme == "rediss"
        self.username = one_line(unquote(parts.username)) if parts.username else None
        self.password = Secret.of(unquote(parts.password)) if parts.password else None
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
        return {"type": "string", "format": "uri", "pattern": "^([rR][eE][dD][iI][sS][sS]?|[uU][nN][iI][xX])://"}

    @classmethod
    def _validate(cls, value: object) -> RedisUrl:
        if isinstance(value, RedisUrl):
            return value
        if not isinstance(value, str):
            raise mistake("a URL must be text")
        return cls(value)
