"""Actions by POST: who may act, what is done, and one line in the log for each (contract.md#operation)."""

from __future__ import annotations

import asyncio
import hmac
import re
import socket
import struct
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, cast

import msgspec
import orjson
from aiohttp import web

from exporter.daemon.ops.actions import ActionResult, Actions, Done, NotDone, Posted, Reason
from exporter.daemon.ops.own_names import foreign
from exporter.sections.printable import printable
from exporter.sections.section import Secret
from exporter.state.letter import Filter
from exporter.state.letter import Reason as LetterReason
from exporter.telemetry.logs import Log

JSON: Final = "application/json"
REPLAY: Final = "/deadletters/replay"
PATHS: Final = f"/destinations/NAME/pause|resume|probe|test, {REPLAY}"
WHY_LENGTH: Final = 200

_PATH: Final = re.compile(r"/destinations/([^/]+)/(pause|resume|probe|test)")
_BODY_BYTES: Final = 4096
_REPLAY_BYTES: Final = 256 * 1024
_BODY_SECONDS: Final = 5.0
STATUS: Final[Mapping[Reason, int]] = {"unknown": 404, "not_now": 409, "unavailable": 503, "unsupported": 501}

NO_ACTIONS: Final = NotDone("unsupported", "this process takes no actions")

By = Literal["socket", "token", "page", "parent"]
#: Who asks; or the refusal, with its status and why, for whoever may not act.
Admit: TypeAlias = Callable[[web.BaseRequest], By | tuple[int, str]]

_CREDENTIALS: Final = struct.Struct("3i")


def owners(parent: int | None = None) -> Admit:
    """Admit whoever can open the socket: its mode lets in nobody but its owner, and no page of a browser can.

    ``parent`` is the id of the process whose worker this one is, which passes on what it was asked for.
    """

    def admit(request: web.BaseRequest) -> By:
        return "socket" if parent is None or _asking(request) != parent else "parent"

    return admit


def _asking(request: web.BaseRequest) -> int | None:
    """The id of the process at the other end of a socket; None where the system does not tell."""
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    if connection is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    given = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(given)[0])


def bearers(token: Secret | None, hosts: Collection[str] = ()) -> Admit:
    """Admit requests with the ``token``, nobody where there is none, that ask for this port by a name of its own.

    ``hosts`` are names in lower case, beside addresses and localhost.
    """
    names = frozenset({"localhost", *hosts})
    expected = None if token is None else f"bearer {token.reveal()}".encode()

    def admit(request: web.BaseRequest) -> By | tuple[int, str]:
        if expected is None:
            return 403, "this port neither acts nor shows attempts without an ops.token; the socket needs none"
        if (reason := foreign(request, names)) is not None:
            return 403, reason
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        presented = f"{scheme.lower()} {given.strip()}".encode(errors="surrogateescape")
        if not hmac.compare_digest(presented, expected):
            wrong = "this is not the token of ops.token, which" if given else "the token of ops.token, which"
            return 401, f"{wrong} actions and attempts need: Authorization: Bearer ..., of the commands --token"
        return "token"

    return admit


async def by_hand(request: web.BaseRequest, actions: Actions | None, admit: Admit, log: Log) -> web.Response | None:
    """The answer to a request for an action, once it is done; None to any other request."""
    asked = _PATH.fullmatch(request.path)
    if asked is None and request.path != REPLAY:
        return None
    if request.method != "POST":
        return web.Response(status=405, headers={"Allow": "POST"})
    admitted = admit(request)
    if isinstance(admitted, tuple):
        return turned_away(*admitted, log)
    wanted = await (_wanted(request) if asked is None else _note(request, asked[1], cast(Posted, asked[2])))
    if isinstance(wanted, web.Response):
        return wanted
    result = await take(actions, wanted, admitted, log)
    told = {**_named(wanted), "done": isinstance(result, Done), "detail": result.detail}
    if isinstance(result, NotDone):
        return _json(STATUS[result.reason], told | {"reason": result.reason})
    return _json(200, {**told, **result.counts})


async def take(actions: Actions | None, wanted: Note | Wanted, by: By, log: Log) -> ActionResult:
    """What comes of an action that somebody may take, once it is a line of the log; a worker's parent tells its own."""
    result: ActionResult = NO_ACTIONS if actions is None else await _taken(actions, wanted)
    if by != "parent":
        log.info("action", **_named(wanted), by=by, done=isinstance(result, Done), detail=result.detail)
    return result


def _named(wanted: Note | Wanted) -> dict[str, str | None]:
    name, action = (wanted.destination, "replay") if isinstance(wanted, Wanted) else (wanted.name, wanted.action)
    return {"destination": None if name is None else printable(name[:100]), "action": action}


async def _taken(actions: Actions, wanted: Note | Wanted) -> ActionResult:
    if isinstance(wanted, Wanted):
        return await actions.replay(wanted.which, superseded=wanted.superseded)
    match wanted.action:
        case "pause":
            return await actions.pause(wanted.name, wanted.why, wanted.by)
        case "resume":
            return await actions.resume(wanted.name)
        case "probe":
            return await actions.probe(wanted.name)
        case "test":
            return await actions.test(wanted.name)


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The dead letters whose replay is asked for; none of the keys stands for all only where ``all`` says so."""

    ids: tuple[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)], ...] = ()
    destination: str | None = None
    reason: LetterReason | None = None
    profile_id: str | None = None
    since: float | None = None
    until: float | None = None
    superseded: bool = False
    all: bool = False

    @classmethod
    def of(cls, which: Filter, *, superseded: bool) -> Wanted:
        """What asks for the replay of ``which``, of superseded letters only if ``superseded``."""
        return cls(
            which.ids, which.destination, which.reason, which.profile_id, which.since, which.until, superseded, True
        )

    @property
    def which(self) -> Filter:
        """The filter that they come to."""
        return Filter(
            ids=self.ids,
            destination=self.destination,
            reason=self.reason,
            profile_id=self.profile_id,
            since=self.since,
            until=self.until,
        )


async def _wanted(request: web.BaseRequest) -> Wanted | web.Response:
    """The letters that the request's body names; or the answer to any other body."""
    body = await body_of(request, _REPLAY_BYTES)
    if isinstance(body, NotTaken):
        return refusal(*body)
    try:
        wanted = msgspec.json.decode(body or b"{}", type=Wanted)
    except msgspec.DecodeError as error:
        return refusal(400, f"the body does not say which dead letters: {error}")
    if wanted.which == Filter() and not wanted.all:
        return refusal(400, 'say which dead letters, or {"all": true}')
    return wanted


class Note(NamedTuple):
    """What an operator does, why, and who that is; the latter two are empty where they are not said."""

    name: str
    action: Posted
    why: str = ""
    by: str = ""


async def _note(request: web.BaseRequest, name: str, action: Posted) -> Note | web.Response:
    """The operator's note in the request's body, ``{"why": "...", "by": "..."}``; or the answer to any other body."""
    body = await body_of(request, _BODY_BYTES)
    if isinstance(body, NotTaken):
        return refusal(*body)
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        given = None
    why, by = (given.get("why", ""), given.get("by", "")) if isinstance(given, dict) else (None, None)
    if not isinstance(why, str) or not isinstance(by, str):
        return refusal(400, 'the body should be {"why": "..."}, or nothing')
    if len(why) > WHY_LENGTH:
        return refusal(400, f"why is longer than {WHY_LENGTH} characters")
    return Note(name, action, printable(why.strip())[:WHY_LENGTH], printable(by.strip())[:WHY_LENGTH])


class NotTaken(NamedTuple):
    """Why a body is not taken: the status of the answer, and what it says to people."""

    status: int
    why: str


async def body_of(request: web.BaseRequest, most: int) -> bytes | NotTaken:
    """The request's body of at most ``most`` bytes, which does not come slowly."""
    if (request.content_length or 0) <= most:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                await request.content.readexactly(most + 1)
        except asyncio.IncompleteReadError as whole:
            return whole.partial
        except web.RequestPayloadError:
            return NotTaken(400, "the body is not in the coding that its Content-Encoding names")
        except TimeoutError:
            return NotTaken(408, f"the body did not come within {_BODY_SECONDS:g} s")
    return NotTaken(413, f"the body is longer than {most} bytes")


def turned_away(status: int, why: str, log: Log) -> web.Response:
    """The answer to whoever may not act, or not look; that a token is guessed at is a line of the log."""
    if status == 401:
        log.warning("token refused", detail="somebody presented something else than ops.token to the ops port")
    return refusal(status, why)


def refusal(status: int, error: str) -> web.Response:
    """The answer with ``status``, and why, for people."""
    answer = _json(status, {"error": error})
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _json(status: int, value: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type=JSON)
