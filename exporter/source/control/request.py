"""A request to the control plane, as its replies read it: what the path names, the query, and the body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.json_text import NoJson, decoded
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.answers import failed
from exporter.source.control.bodies import said

_TRUE, _FALSE = "true", "false"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the gateway has let through.

    Attributes:
        head: method, path, query and headers, as they came.
        ids: what the variables of the route's path stand for, percent-decoded.
        query: names and values in their order, percent-decoded; a name may come again.
        body: empty where the route reads none.
        token_client: the client that the token names, as far as one was demanded, and names one.
    """

    head: RequestHead
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    token_client: str = ""

    @property
    def client(self) -> str:
        """Who asks, for ``createdClient`` and the like: the token's client, else ``x-api-key``, which may say anything.

        Nothing is decided by it.
        """
        return self.token_client or self.head.headers.get("x-api-key", "")

    def one(self, name: str, default: str = "") -> str:
        """The first value of a name in the query."""
        return next(self.all(name), default)

    def all(self, name: str) -> Iterator[str]:
        """All values of a name in the query."""
        return (value for key, value in self.query if key == name)

    def flag(self, name: str, *, default: bool = False) -> bool | Answer:
        """A truth value in the query, in any case, as clients in Python write it; 400 for anything else."""
        word = self.one(name, _TRUE if default else _FALSE).lower()
        if word not in (_TRUE, _FALSE):
            return failed(400, "1400-400", f"{name} should be true or false")
        return word == _TRUE

    def number(self, name: str, default: int, least: int, most: int) -> int | Answer:
        """A whole number in the query; 400 for anything else, and beyond its bounds."""
        word = self.one(name, str(default))
        if not (word.isascii() and word.isdecimal() and len(word) < len(str(most)) + 10 and least <= int(word) <= most):
            return failed(400, "1400-400", f"{name} should be a whole number of {least} to {most}")
        return int(word)

    def json(self) -> Any | Answer:
        """What the body says; 400 where that is no JSON. Whether there has to be a body is for the reply to say."""
        if not self.body.strip():
            return failed(400, "1400-400", "The body is empty, and should be JSON")
        found = decoded(self.body)
        if not isinstance(found, NoJson):
            return found
        return failed(400, "1400-400", ": ".join(filter(None, (found.reason, found.detail))))

    def json_object(self) -> dict[str, Any] | Answer:
        """What the body, which should be a JSON object, says in its fields; 400 where it is none."""
        found = self.json()
        if isinstance(found, Answer):
            return found
        if isinstance(found, dict):
            return said(found)
        return failed(400, "1400-400", "The body should be a JSON object")


def query_of(head: RequestHead) -> tuple[tuple[str, str], ...]:
    """The query of a request; what is no UTF-8 is replaced."""
    return tuple(parse_qsl(head.query, keep_blank_values=True, errors="replace"))
