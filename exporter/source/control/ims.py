"""The built-in token endpoints, in the forms that clients of the reference system know, and the keys of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import orjson

from exporter.source.collection.checks.answers import Answer, Header
from exporter.source.control.answers import failed, found
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route
from exporter.source.control.shapes import FREE, TEXT, WHOLE, Shape, array, fields, named, texts
from exporter.source.tokens.issuing.form import NoForm, read_fields
from exporter.source.tokens.issuing.grants import (
    Judge,
    Refused,
    authorization_code,
    client_credentials,
    signed_assertion,
)
from exporter.source.tokens.issuing.issuing import Issuing

#: All paths of this file begin so, behind their slash.
PREFIX = "ims/"
#: RFC 6749 §5.1: nobody on the way keeps an answer with a token.
_NOT_KEPT: tuple[Header, ...] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_NAMES_HIMSELF: Header = ("WWW-Authenticate", 'Basic realm="exporter"')


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A path that gives tokens: what it wants to see, and whether it tells lifetimes in milliseconds."""

    path: str
    name: str
    judge: Judge
    wants: tuple[str, ...]
    in_milliseconds: bool = False


_CLIENT = ("client_id", "client_secret")
_ENDPOINTS = (
    _Endpoint("/ims/token/v3", "createToken", client_credentials, ("grant_type", *_CLIENT)),
    _Endpoint("/ims/token/v2", "createTokenV2", client_credentials, ("grant_type", *_CLIENT)),
    _Endpoint("/ims/token/v1", "createTokenV1", authorization_code, ("grant_type", *_CLIENT, "code"), True),
    _Endpoint("/ims/exchange/jwt", "exchangeJwt", signed_assertion, (*_CLIENT, "jwt_token"), True),
    _Endpoint("/ims/exchange/v1/jwt", "exchangeJwtV1", signed_assertion, (*_CLIENT, "jwt_token"), True),
)
_ANSWER = named("Token", fields({"access_token": TEXT, "token_type": {"const": "bearer"}, "expires_in": WHOLE}))
_KEYS = named("Keys", fields({"keys": array(FREE)}))


def routes_of(issuing: Callable[[], Issuing | None], epoch: Callable[[], float]) -> Iterator[Route]:
    """The rows of the table.

    Args:
        issuing: what tokens are made by now; None: there are no such paths now.
        epoch: reads epoch seconds.
    """

    async def reply(request: Request, endpoint: _Endpoint) -> Answer:
        now = issuing()
        return _nothing() if now is None else answered(request, endpoint, now, epoch())

    async def keys(_: Request) -> Answer:
        now = issuing()
        return _nothing() if now is None else found(now.key.published())

    for endpoint in _ENDPOINTS:
        unit = "milliseconds" if endpoint.in_milliseconds else "seconds"
        yield Route(
            "POST",
            endpoint.path,
            endpoint.name,
            f"Get a token, whose lifetime is told in {unit}; the fields may stand in the query, too.",
            partial(reply, endpoint=endpoint),
            Reads.FORM,
            body=_form(endpoint.wants),
            answers={200: _ANSWER},
            guarded=False,
        )
    summary = "The keys by which others verify tokens of this server, as a JWK set."
    yield Route("GET", "/ims/keys", "listKeys", summary, keys, answers={200: _KEYS}, guarded=False)


def answered(request: Request, endpoint: _Endpoint, issuing: Issuing, now: float) -> Answer:
    """A token, or why there is none; ``now`` in epoch seconds."""
    headers = request.head.headers
    try:
        fields = read_fields(
            request.head.query, headers.get("content-type", ""), request.body, headers.get("authorization", "")
        )
    except NoForm as error:
        return _refused(Refused(400, "invalid_request", str(error)))
    grant = endpoint.judge(fields, issuing.clients, now)
    if isinstance(grant, Refused):
        return _refused(grant)
    issued = issuing.issue(grant, now)
    if isinstance(issued, Refused):
        return _refused(issued)
    left = int(issued.seconds * 1000) if endpoint.in_milliseconds else int(issued.seconds)
    body = {"access_token": issued.text, "token_type": "bearer", "expires_in": max(1, left)}
    return Answer(200, orjson.dumps(body), _NOT_KEPT)


def _form(wanted: tuple[str, ...]) -> Shape:
    return fields(texts(*wanted), texts("scope"))


def _refused(refused: Refused) -> Answer:
    body = {"error": refused.error, "error_description": refused.description}
    return Answer(
        refused.status, orjson.dumps(body), (*_NOT_KEPT, _NAMES_HIMSELF) if refused.status == 401 else _NOT_KEPT
    )


def _nothing() -> Answer:
    """As for any other path that leads nowhere."""
    return failed(404, "1439-404", "There is nothing at this path")
