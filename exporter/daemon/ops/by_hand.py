"""``POST /destinations/NAME/pause|resume|probe``: who may act, what is done, and one line in the log for each."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

import orjson
from aiohttp import web

from exporter.daemon.ops.actions import Action, ActionResult, Actions, Done, NotDone, Reason
from exporter.sections.printable import printable
from exporter.sections.section import Secret
from exporter.telemetry.logs import Log

JSON: Final = "application/json"
PATHS: Final = "/destinations/NAME/pause|resume|probe"
WHY_LENGTH: Final = 200

_HOST: Final = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:@/\[\]]+))(?::[0-9]*)?")
_PATH: Final = re.compile(r"/destinations/([^/]+)/(pause|resume|probe)")
_BODY_BYTES: Final = 4096
_BODY_SECONDS: Final = 5.0
STATUS: Final[Mapping[Reason, int]] = {"unknown": 404, "not_now": 409, "unavailable": 503, "unsupported": 501}

By = Literal["socket", "token"]
#: Who asks; or the refusal, with its status and why, for whoever may not act.
Admit: TypeAlias = Callable[[web.BaseRequest], By | tuple[int, str]]


def everybody(_request: web.BaseRequest) -> By:
    """Admit whoever can open the socket: its mode lets in nobody but its owner, and no page of a browser can."""
    return "socket"


def bearers(token: Secret | None, hosts: Collection[str] = ()) -> Admit:
    """Admit requests with the ``token``, nobody where there is none, that ask for this port by a name of its own.

    ``hosts`` are names in lower case, beside addresses and localhost.
    """
    names = frozenset({"localhost", *hosts})
    expected = None if token is None else f"bearer {token.reveal()}".encode()

    def admit(request: web.BaseRequest) -> By | tuple[int, str]:
        if expected is None:
            return 403, "this port takes no actions: set ops.token, or use the socket of ops.socket"
        if (foreign := _foreign(request, names)) is not None:
            return 403, foreign
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        presented = f"{scheme.lower()} {given.strip()}".encode(errors="surrogateescape")
        if not hmac.compare_digest(presented, expected):
            return 401, "an action needs the token of ops.token: Authorization: Bearer ..."
        return "token"

    return admit


def _foreign(request: web.BaseRequest, names: Collection[str]) -> str | None:
    """Why a request may come from a page of a browser that somebody else wrote; None where it does not.

    A browser sends the ``Origin`` of the page with every such request. A page whose own name was turned to an address
    of this machine (DNS rebinding) sends the same name as ``Host``, which is none of ``names``.
    """
    hosts = request.headers.getall("Host", [])
    for host in hosts:
        if not _is_own(host, names):
            return (
                f"this port does not act as {printable(host[:100])}: ask it by an address, or add the name to ops.hosts"
            )
    origins = {origin.partition("://")[2].lower() for origin in request.headers.getall("Origin", [])}
    if origins - {host.lower() for host in hosts}:
        return "a page of another origin may not act here"
    return None


def _is_own(host: str, names: Collection[str]) -> bool:
    """Whether the value of ``Host`` is an address, or one of ``names``."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found["address"] or found["name"]).lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rstrip(".") in names
    return True


async def by_hand(request: web.BaseRequest, actions: Actions | None, admit: Admit, log: Log) -> web.Response | None:
    """The answer to a request for an action, once it is done; None to any other request."""
    asked = _PATH.fullmatch(request.path)
    if asked is None:
        return None
    if request.method != "POST":
        return web.Response(status=405, headers={"Allow": "POST"})
    admitted = admit(request)
    if isinstance(admitted, tuple):
        return _refusal(*admitted)
    note = await _note(request)
    if isinstance(note, web.Response):
        return note
    name, action = asked[1], cast(Action, asked[2])
    if actions is None:
        result: ActionResult = NotDone("unsupported", "this process takes no actions")
    else:
        result = await _taken(actions, action, name, note)
    done = isinstance(result, Done)
    shown = printable(name[:100])
    log.info("action", action=action, destination=shown, by=admitted, done=done, detail=result.detail)
    told = {"destination": shown, "action": action, "done": done, "detail": result.detail}
    if isinstance(result, NotDone):
        return _json(STATUS[result.reason], told | {"reason": result.reason})
    return _json(200, told)


async def _taken(actions: Actions, action: Action, name: str, note: Note) -> ActionResult:
    match action:
        case "pause":
            return await actions.pause(name, note.why, note.by)
        case "resume":
            return await actions.resume(name)
        case "probe":
            return await actions.probe(name)


class Note(NamedTuple):
    """Why an operator acts, and who that is; each empty where it is not said."""

    why: str
    by: str


async def _note(request: web.BaseRequest) -> Note | web.Response:
    """The operator's note in the request's body, ``{"why": "...", "by": "..."}``; or the answer to any other body."""
    if (request.content_length or 0) > _BODY_BYTES:
        return _refusal(413, f"the body is longer than {_BODY_BYTES} bytes")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await request.content.readexactly(_BODY_BYTES + 1)
    except asyncio.IncompleteReadError as short:
        body = short.partial
    except TimeoutError:
        return _refusal(408, f"the body did not come within {_BODY_SECONDS:g} s")
    if len(body) > _BODY_BYTES:
        return _refusal(413, f"the body is longer than {_BODY_BYTES} bytes")
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        given = None
    why, by = (given.get("why", ""), given.get("by", "")) if isinstance(given, dict) else (None, None)
    if not isinstance(why, str) or not isinstance(by, str):
        return _refusal(400, 'the body should be {"why": "..."}, or nothing')
    if len(why) > WHY_LENGTH:
        return _refusal(400, f"why is longer than {WHY_LENGTH} characters")
    return Note(printable(why.strip())[:WHY_LENGTH], printable(by.strip())[:WHY_LENGTH])


def _refusal(status: int, error: str) -> web.Response:
    answer = _json(status, {"error": error})
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _json(status: int, value: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type=JSON)
