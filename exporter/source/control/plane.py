"""The control plane: the gateway's checks, then the table of routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.answers import failed
from exporter.source.control.gateway import Gateway
from exporter.source.control.request import Request, query_of
from exporter.source.control.routes import REPEATABLE, Found, OtherMethods, Reads, Route, Routes

#: Reads the body of a request: its bytes, or the answer to one that is too large or too slow.
ReadBody: TypeAlias = Callable[[], Awaitable[bytes | Answer]]
#: Waits until what other processes have answered counts here, too.
UpToDate: TypeAlias = Callable[[], Awaitable[None]]
_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Answers by the table, once the gateway lets a request through."""

    gateway: Gateway
    routes: Routes
    up_to_date: UpToDate | None = None

    async def answer(self, head: RequestHead, read_body: ReadBody) -> Answer:
        """The answer to a request, whose body is read where the table needs it."""
        found = self.routes.find(head.method, head.path)
        guarded = not isinstance(found, Found) or found.route.guarded  # what there is, is told to those who may use it
        client = await self.gateway.admit(head) if guarded else ""
        if isinstance(client, Answer):
            return client
        if found is None:
            return failed(404, "1439-404", "There is nothing at this path")
        if isinstance(found, OtherMethods):
            allowed = (("Allow", ", ".join(found.methods)),)
            return failed(405, "1405-405", "There is no such method here", headers=allowed)
        query = query_of(head)
        if (name := _said_twice(query, found.route)) is not None:
            return failed(400, "1400-400", f"The parameter {name} may stand only once")
        body = await self._body(head, found.route.reads, read_body)
        if isinstance(body, Answer):
            return body
        if guarded and self.up_to_date is not None:
            await self.up_to_date()
        request = Request(head, found.ids, query, body, client)
        return _misfit(request, found.route) or await found.route.reply(request)

    async def _body(self, head: RequestHead, reads: Reads, read_body: ReadBody) -> bytes | Answer:
        if reads is Reads.NOTHING:
            return b""
        if (coding := head.headers.get("content-encoding", "").strip().lower()) not in ("", "identity"):
            details = f"The body's Content-Encoding may only be identity, and is {coding[:_SHOWN]}"
            return failed(415, "1415-415", details, headers=(("Accept-Encoding", "identity"),))
        body = await read_body()
        # As with all checks of the gateway, nobody looks where nobody is asked for a token.
        named = self.gateway.tokens is None or reads is Reads.FORM or head.headers.get("content-type")
        return body if isinstance(body, Answer) or not body or named else _no_content_type()


def _said_twice(query: Sequence[tuple[str, str]], route: Route) -> str | None:
    """The name of a parameter of a route that is given again, though only one can be meant."""
    given = Counter(name for name, _ in query if name in route.query and name not in REPEATABLE)
    return next((name for name, times in given.items() if times > 1), None)


def _misfit(request: Request, route: Route) -> Answer | None:
    """400: the body is none that the document of the API has, or is no JSON."""
    if route.fault is None:
        return None
    body = request.json()
    if isinstance(body, Answer):
        return body
    return None if (fault := route.fault(body)) is None else failed(400, "1400-400", fault)


def _no_content_type() -> Answer:
    """The gateway's answer to a body of which nobody says what it is."""
    detail = "A request with a body needs the header Content-Type"
    body = {"type": "about:blank", "status": 400, "title": "BadRequestError", "detail": detail}
    return Answer(400, orjson.dumps(body))
