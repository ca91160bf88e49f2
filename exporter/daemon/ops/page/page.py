"""Answers browsers at the ops port: who may see what, sign-in, and actions that are confirmed."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Final, cast
from urllib.parse import parse_qsl, quote

from aiohttp import web

from exporter.daemon.ops.actions import Actions, Done
from exporter.daemon.ops.by_hand import NotTaken, body_of, take
from exporter.daemon.ops.own_names import foreign
from exporter.daemon.ops.page.confirming import NO_FORM, PATH, QUESTIONS, REASONS, Confirmed, wanted
from exporter.daemon.ops.page.drawn import Drawn
from exporter.daemon.ops.page.responses import asset, document, elsewhere, refused
from exporter.daemon.ops.page.sessions import Session, Sessions
from exporter.daemon.ops.page.sheets import Asked, Sheet, Sheets
from exporter.sections.section import Secret
from exporter.telemetry.logs import Log

_FORM_BYTES: Final = 8192
_FORM_FIELDS: Final = 20
_ASSETS: Final = "/page/"
#: The header of a page's request for itself, to show what has changed.
_RENEWAL: Final = "X-Renewal"
#: The paths that are answered here; whether there is anything, the sheets know.
_OURS: Final = re.compile(r"/|/sign-in|/sign-out|/page/[^/]*|/destinations/?|/destinations/[^/]+(?:/confirm/[^/]*)?")


class Page:
    """The pages of one process. ``token`` is what sign-in asks for; where there is none, nobody can sign in."""

    def __init__(
        self, sheets: Sheets, actions: Actions | None, log: Log, token: Secret | None, hosts: Collection[str]
    ) -> None:
        self._sheets = sheets
        self._actions = actions
        self._log = log
        self._token = None if token is None else token.reveal().encode()
        self._names = frozenset({"localhost", *hosts})
        self._sessions = Sessions()
        self._drawn = Drawn(sheets)

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a request for a page, None to any other request."""
        confirmed = PATH.fullmatch(request.path)
        if confirmed is None and _OURS.fullmatch(request.path) is None:
            return None
        forms = confirmed is not None or request.path in ("/sign-in", "/sign-out")
        allowed = ("GET", "HEAD", *(["POST"] if forms else []))
        if request.method not in allowed:
            response = refused(405, f"this page is for {', '.join(allowed)}")
            response.headers["Allow"] = ", ".join(allowed)
            return response
        if (why := foreign(request, self._names)) is not None:
            return refused(403, why)
        if request.path.startswith(_ASSETS):
            return await self._asset(request.path.removeprefix(_ASSETS))
        by_hand = _RENEWAL not in request.headers
        session = self._sessions.of(request.cookies.get(_cookie(request)), _now(), by_hand=by_hand)
        if confirmed is not None:
            return await self._confirm(request, session, confirmed[1], cast(Confirmed, confirmed[2]))
        if request.path == "/sign-in":
            return await self._sign_in(request, session)
        if request.path == "/sign-out":
            return await self._sign_out(request, session)
        if request.path.rstrip("/") == "/destinations":
            return elsewhere("/")
        asked = Asked(request.path, dict(request.query.items()), session is not None)
        part = await self._drawn.sheet(asked)
        if part is None:
            return await self._shown(_missing(request.path), session, status=404)
        return await self._framed(part.title, part.text, session, path=request.path, by_hand=by_hand)

    # -- what is shown

    async def _asset(self, name: str) -> web.Response:
        found = await self._drawn.asset(name)
        return refused(404, "there is no such file") if found is None else asset(*found)

    async def _shown(self, sheet: Sheet, session: Session | None, status: int = 200) -> web.Response:
        return await self._framed(sheet.title, await self._drawn.part(sheet), session, status)

    async def _framed(
        self,
        title: str,
        part: str,
        session: Session | None,
        status: int = 200,
        path: str = "",
        *,
        by_hand: bool = True,
    ) -> web.Response:
        values = {
            "process": self._sheets.name,
            "can_sign_in": self._token is not None,
            "form_key": None if session is None else session.form_key,
            # A page that renews itself would take it from the one that somebody reads.
            "told": session.news(path) if session is not None and by_hand else None,
            "path": path,
        }
        return document(await self._drawn.document(title, part, values), status)

    async def _not_taken(self, form: NotTaken, session: Session | None) -> web.Response:
        return await self._shown(Sheet("not_taken.html", "Not done", {"why": form.why}), session, form.status)

    # -- who is there

    async def _sign_in(self, request: web.BaseRequest, session: Session | None) -> web.Response:
        onward = _path_of(request.query.get("to", "/"))
        if request.method != "POST":
            return await self._shown(self._sign_in_sheet(onward), session)
        form = await _form(request)
        if isinstance(form, NotTaken):
            return await self._not_taken(form, session)
        onward = _path_of(form.get("to", "/"))
        given = form.get("token", "").strip().encode(errors="surrogateescape")
        if self._token is None or not hmac.compare_digest(given, self._token):
            if self._token is not None:
                said = "a browser presented something else than ops.token to the page"
                self._log.warning("sign-in refused", detail=said)
            return await self._shown(self._sign_in_sheet(onward, refused=True), session, status=403)
        self._sessions.end(request.cookies.get(_cookie(request)))
        response = elsewhere(onward)
        secure = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        response.set_cookie(
            _cookie(request),
            self._sessions.begin(_now()),
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )
        self._log.info("signed in", detail="a browser presented ops.token to the page")
        return response

    def _sign_in_sheet(self, onward: str, *, refused: bool = False) -> Sheet:
        values = {"to": onward, "can_sign_in": self._token is not None, "gain": self._sheets.gain, "refused": refused}
        return Sheet("sign_in.html", "Sign in", values)

    async def _sign_out(self, request: web.BaseRequest, session: Session | None) -> web.Response:
        if request.method != "POST" or session is None:
            return elsewhere("/")
        form = await _form(request, session)
        if isinstance(form, NotTaken):
            return await self._not_taken(form, session)
        self._sessions.end(request.cookies.get(_cookie(request)))
        response = elsewhere("/")
        response.del_cookie(_cookie(request), path="/")
        return response

    # -- actions

    async def _confirm(
        self, request: web.BaseRequest, session: Session | None, name: str, action: Confirmed
    ) -> web.Response:
        onward = f"/destinations/{quote(name, safe='')}"
        if session is None:
            return elsewhere(f"/sign-in?to={quote(request.path, safe='')}")
        if request.method != "POST":
            if await self._drawn.sheet(Asked(f"/destinations/{name}")) is None:
                return await self._shown(_missing(request.path), session, status=404)
            return await self._shown(_question(name, action, session.form_key), session)
        form = await _form(request, session)
        asked = form if isinstance(form, NotTaken) else wanted(name, action, form)
        if isinstance(asked, NotTaken):
            return await self._not_taken(asked, session)
        result = await take(self._actions, asked, "page", self._log)
        session.told = f"/destinations/{name}", isinstance(result, Done), result.detail
        self._drawn.forget()
        return elsewhere(onward)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _cookie(request: web.BaseRequest) -> str:
    """The name of the session's cookie: browsers share cookies between the ports of a host."""
    port = request.headers.get("Host", "").rpartition(":")[2]
    return f"exporter-session-{port}" if port.isascii() and port.isdigit() else "exporter-session"


def _path_of(onward: str) -> str:
    """Where to go after sign-in: one of our own paths, whatever was asked for."""
    ours = PATH.fullmatch(onward) is not None or _OURS.fullmatch(onward) is not None
    return quote(onward) if ours else "/"


async def _form(request: web.BaseRequest, session: Session | None = None) -> Mapping[str, str] | NotTaken:
    """The fields of a form, which was given to ``session`` where there is one."""
    body = await body_of(request, _FORM_BYTES)
    if isinstance(body, NotTaken):
        return body
    try:
        text = body.decode()
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FORM_FIELDS))
    except ValueError:
        return NotTaken(400, NO_FORM)
    if session is not None and not session.has(form.get("form_key", "")):
        return NotTaken(403, "this form is not one that this page has just given: go back and load it again")
    return form


def _missing(path: str) -> Sheet:
    return Sheet("missing.html", "Not found", {"path": path})


def _question(name: str, action: Confirmed, form_key: str) -> Sheet:
    question = QUESTIONS[action]
    values = {"name": name, "action": action, "question": question, "reasons": REASONS, "form_key": form_key}
    return Sheet("confirm.html", f"{question.button}: {name}", values)
