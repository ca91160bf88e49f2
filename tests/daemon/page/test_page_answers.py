"""The page over a real socket: who is shown what, and what a form may do (docs/page.md)."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import CookieJar

from exporter.daemon.ops.actions import ActionResult, Done
from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.page.responses import POLICY
from exporter.daemon.ops.page.run_sheets import RunSheets
from exporter.daemon.ops.port import serve
from exporter.dataflow.dependencies import Clock
from exporter.sections.section import Secret
from exporter.settings.effective import Setting
from exporter.state.letter import Answered, Filter
from exporter.telemetry.attempts import Attempt
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, DataflowStatus, Health, PausedByHand

TOKEN = "a long öpen sesame"
SCRIPT = "<script>alert(1)</script>"
FLOW = DataflowStatus(
    "crm",
    "paused",
    ("operator",),
    last_failure=SCRIPT,
    operator=PausedByHand(1.0, SCRIPT, SCRIPT, None),
    dead_letters=3,
)
ATTEMPT = Attempt(1.0, "crm", SCRIPT, "p-1", 2, "dead_letter", 422, 12.0, "HTTP 422", "rejected", answer=SCRIPT)
LETTER = Answered(
    id=7,
    group="exporter.crm",
    lane="j",
    position=1,
    destination="crm",
    profile_id="profile-of-somebody",
    event_id="e-1",
    reason="rejected",
    detail="HTTP 422",
    status=422,
    attempts=1,
    first_at=1.0,
    at=2.0,
    superseded=False,
    replay="none",
    answer=f"the answer {SCRIPT}",
)


class Everything:
    """Particulars of one destination; notes what is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def letters(self, destination: str | None) -> Sequence[Answered] | str:
        self.asked.append("letters")
        return [LETTER]

    async def attempts(self, destination: str) -> Sequence[Attempt] | str:
        self.asked.append("attempts")
        return [ATTEMPT]

    async def configuration(self, destination: str) -> Sequence[Setting] | None:
        self.asked.append("configuration")
        return [Setting("auth.kind", "bearer")]


class Noting:
    """Notes the actions that are taken."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, ...]] = []

    async def pause(self, name: str, why: str, by: str = "") -> ActionResult:
        self.taken.append(("pause", name, why))
        return Done(f"{name} is paused {SCRIPT}")

    async def resume(self, name: str) -> ActionResult:
        self.taken.append(("resume", name))
        return Done("resumed")

    async def probe(self, name: str) -> ActionResult:
        self.taken.append(("probe", name))
        return Done("probed")

    async def test(self, name: str) -> ActionResult:
        self.taken.append(("test", name))
        return Done("queued")

    async def replay(self, which: Filter, *, superseded: bool) -> ActionResult:
        self.taken.append(("replay", which, superseded))
        return Done("asked for")


class Browser:
    """What a browser does: it keeps cookies, sends the page's origin with forms, and follows nothing by itself."""

    def __init__(self, session: aiohttp.ClientSession, address: str, log: io.StringIO) -> None:
        self._session = session
        self.address = address
        self._log = log
        self.particulars = Everything()
        self.actions = Noting()

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self._session.get(f"{self.address}{path}", headers=headers, allow_redirects=False) as answer:
            if path != "/metrics":
                assert answer.headers.get("Content-Security-Policy", POLICY) == POLICY
            return answer.status, await answer.text()

    async def post(self, path: str, form: dict[str, str], origin: str | None = None) -> tuple[int, str]:
        headers = {"Origin": origin or self.address}
        url = f"{self.address}{path}"
        async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def sign_in(self) -> None:
        assert await self.post("/sign-in", {"token": TOKEN, "to": "/"}) == (303, "/")

    async def form_key(self, path: str = "/destinations/crm/confirm/pause") -> str:
        _, text = await self.get(path)
        found = re.search(r'name="form_key" value="([^"]+)"', text)
        assert found is not None
        return found[1]

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def cookies(self) -> list[Any]:
        return list(self._session.cookie_jar)


@asynccontextmanager
async def browsing(token: str | None = TOKEN, hosts: Sequence[str] = ()) -> AsyncIterator[Browser]:
    log = io.StringIO()
    async with aiohttp.ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(session, "", log)

        def status() -> Any:
            return document(0.0, ConfigStatus(), [FLOW])

        sheets = RunSheets(status, browser.particulars, Clock(time.monotonic, time.time))
        written = configure(log, False)
        desk = Desk(Metrics(), lambda: Health(True), status, written, browser.actions, sheets=sheets)
        async with serve("127.0.0.1", 0, desk, None if token is None else Secret.of(token), hosts) as port:
            browser.address = f"http://127.0.0.1:{port}"
            yield browser


async def test_without_the_token_it_shows_what_status_says_and_no_more() -> None:
    async with browsing() as browser:
        for path in ("/", "/destinations/crm"):
            status, text = await browser.get(path)
            assert status == 200
            assert "crm" in text
            assert "Sign in" in text
            assert "the answer" not in text
            assert "/confirm/" not in text
        assert browser.particulars.asked == []
        assert await browser.get("/destinations/crm/confirm/pause") == (303, "")
        assert (await browser.post("/destinations/crm/confirm/pause", {"form_key": ""}))[0] == 303
        assert browser.actions.taken == []


async def test_with_it_also_attempts_answers_and_configuration() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        _, text = await browser.get("/destinations/crm")
        assert browser.particulars.asked == ["letters", "attempts", "configuration"]
        assert "the answer &lt;script&gt;" in text
        assert "auth.kind" in text
        assert "profile-of-somebody" not in text
        _, overview = await browser.get("/")
        assert "rejected" in overview


async def test_nothing_of_what_is_shown_is_markup() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        for path in ("/", "/destinations/crm", "/destinations/<script>", f"/?name={SCRIPT}", f"/sign-in?to={SCRIPT}"):
            _, text = await browser.get(path)
            assert "<script>" not in text
            if path.startswith("/sign-in"):
                continue
            assert "&lt;script&gt;" in text


async def test_a_look_a_second_later_asks_nobody_again() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        for _ in range(5):
            await browser.get("/destinations/crm")
        assert len(browser.particulars.asked) in (3, 6), "a slow machine may need two seconds for five looks"


async def test_the_cookie_does_not_hold_the_token_and_ends_at_sign_out() -> None:
    async with browsing() as browser:
        assert (await browser.post("/sign-in", {"token": "wrong-hunter2"}))[0] == 403
        assert [line["level"] for line in browser.logged() if line["event"] == "sign-in refused"] == ["warning"]
        assert "hunter2" not in json.dumps(browser.logged())
        assert browser.cookies == []
        await browser.sign_in()
        [cookie] = browser.cookies
        assert "sesame" not in cookie.value
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["secure"]) == (True, "Strict", "", "")
        key = await browser.form_key()
        assert (await browser.post("/sign-out", {"form_key": "another"}))[0] == 403
        assert await browser.post("/sign-out", {"form_key": key}) == (303, "/")
        assert (await browser.get("/destinations/crm/confirm/pause"))[0] == 303
        assert "sesame" not in json.dumps(browser.logged())


async def test_a_new_session_ends_the_one_before_and_is_for_https_where_that_is_in_front() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        [before] = browser.cookies
        await browser.sign_in()
        cookies = {before.key: before.value}
        async with (
            aiohttp.ClientSession(cookies=cookies) as former,
            former.get(f"{browser.address}/destinations/crm/confirm/pause", allow_redirects=False) as answer,
        ):
            assert answer.status == 303
        form, headers = {"token": TOKEN}, {"Origin": browser.address, "X-Forwarded-Proto": "https"}
        async with (
            aiohttp.ClientSession() as secure,
            secure.post(f"{browser.address}/sign-in", data=form, headers=headers, allow_redirects=False) as answer,
        ):
            assert "secure" in answer.headers["Set-Cookie"].lower()


async def test_nobody_signs_in_where_there_is_no_token() -> None:
    async with browsing(token=None) as browser:
        assert "Sign in" not in (await browser.get("/"))[1]
        assert "no <code>ops.token</code>" in (await browser.get("/sign-in"))[1]
        for token in ("", "None", TOKEN):
            assert (await browser.post("/sign-in", {"token": token}))[0] == 403


@pytest.mark.parametrize(
    ("action", "form", "taken"),
    [
        ("pause", {"why": f" moving\n{SCRIPT} "}, ("pause", "crm", f"moving\\n{SCRIPT}")),
        ("resume", {"why": "not asked"}, ("resume", "crm")),
        ("probe", {}, ("probe", "crm")),
        ("test", {}, ("test", "crm")),
        ("replay", {"reason": ""}, ("replay", Filter(destination="crm"), False)),
        (
            "replay",
            {"reason": "rejected", "superseded": "yes"},
            ("replay", Filter(destination="crm", reason="rejected"), True),
        ),
    ],
)
async def test_each_action_is_confirmed_and_one_line_of_the_log(
    action: str, form: dict[str, str], taken: tuple[Any, ...]
) -> None:
    async with browsing() as browser:
        await browser.sign_in()
        path = f"/destinations/crm/confirm/{action}"
        assert (await browser.get(path))[0] == 200
        assert browser.actions.taken == [], "it was only asked"
        key = await browser.form_key(path)
        assert await browser.post(path, {**form, "form_key": key}) == (303, "/destinations/crm")
        assert browser.actions.taken == [taken]
        lines = [line for line in browser.logged() if line["event"] == "action"]
        assert [(line["action"], line["destination"], line["by"], line["done"]) for line in lines] == [
            (action, "crm", "page", True)
        ]
        for path, more in (("/", {}), ("/destinations/crm", {"X-Renewal": "1"})):
            assert 'role="status"' not in (await browser.get(path, **more))[1], "it is told where it was done"
        _, text = await browser.get("/destinations/crm")
        assert 'role="status"' in text
        assert 'role="status"' not in (await browser.get("/destinations/crm"))[1], "it is told once"


async def test_a_form_of_somebody_else_does_nothing() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        path, key = "/destinations/crm/confirm/pause", await browser.form_key()
        assert (await browser.post(path, {}))[0] == 403
        assert (await browser.post(path, {"form_key": f"{key}x"}))[0] == 403
        assert (await browser.post(path, {"form_key": key}, origin="https://evil.example"))[0] == 403
        assert (await browser.post(path, {"form_key": key}, origin="null"))[0] == 403
        assert (await browser.post(path, {"form_key": key, "why": "x" * 9000}))[0] == 413
        replay = "/destinations/crm/confirm/replay"
        assert (await browser.post(replay, {"form_key": key, "reason": "nonsense"}))[0] == 400, "not any reason"
        assert browser.actions.taken == []


async def test_what_is_not_done_is_said_on_a_page() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        status, text = await browser.post("/destinations/crm/confirm/pause", {"form_key": "another"})
        assert status == 403
        assert "go back and load it again." in text
        assert 'href="/"' in text


async def test_a_name_that_is_not_its_own_is_refused_but_for_probes_and_metrics() -> None:
    async with browsing(hosts=["exporter.example.com"]) as browser:
        for path in ("/", "/sign-in", "/destinations/crm", "/page/page.css"):
            status, text = await browser.get(path, Host="evil.example")
            assert status == 403
            assert "ops.hosts" in text
            for host in ("localhost", "[::1]:9464", "10.0.0.7", "EXPORTER.example.com:443"):
                assert (await browser.get(path, Host=host))[0] == 200
        for path in ("/live", "/ready", "/metrics", "/status"):
            assert (await browser.get(path, Host="pod-7.exporter.svc"))[0] == 200


async def test_sign_in_leads_to_pages_of_its_own_alone() -> None:
    async with browsing() as browser:
        for asked, onward in {
            "/destinations/crm": "/destinations/crm",
            "/destinations/crm/confirm/replay": "/destinations/crm/confirm/replay",
            "//evil.example": "/",
            "https://evil.example/": "/",
            "/destinations/x\r\nSet-Cookie: a=b": "/destinations/x%0D%0ASet-Cookie%3A%20a%3Db",
        }.items():
            assert await browser.post("/sign-in", {"token": TOKEN, "to": asked}) == (303, onward)


async def test_what_is_not_there_and_methods_that_are_not() -> None:
    async with browsing() as browser:
        assert (await browser.get("/destinations/crn"))[0] == 404
        assert (await browser.get("/page/page.py"))[0] == 404
        assert (await browser.get("/page/..%2F..%2Fpage.py"))[0] == 404
        assert (await browser.get("/else"))[0] == 404
        for path in ("/destinations", "/destinations/"):
            assert await browser.get(path) == (303, "")
        for query, said in {
            "state=bogus": "is “bogus”",
            "name=x&state=held": "has “x” in its name and is “held”",
        }.items():
            assert f"No destination {said}." in (await browser.get(f"/?{query}"))[1]
        assert (await browser.post("/", {}))[0] == 405
        assert (await browser.get("/status"))[0] == 200
        for name, kind in (("page.css", "css"), ("page.js", "javascript"), ("icon.svg", "svg")):
            async with aiohttp.ClientSession() as session, session.get(f"{browser.address}/page/{name}") as answer:
                assert kind in answer.headers["Content-Type"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_templates_and_styles_have_nothing_inline_and_nothing_from_elsewhere() -> None:
    async with browsing() as browser:
        await browser.sign_in()
        pages = [
            (await browser.get(path))[1]
            for path in ("/", "/destinations/crm", "/sign-in", "/destinations/crm/confirm/replay", "/page/page.css")
        ]
        for text in pages:
            assert re.findall(r"style=|<style|\son\w+=|javascript:|https?://|@import|url\(", text) == []
            assert re.findall(r"<script(?! src=\"/page/page.js\")", text) == []


def test_nobody_pays_for_what_renders_until_somebody_looks() -> None:
    code = (
        "import sys; import exporter.daemon.daemon, exporter.daemon.serving.server; sys.exit('jinja2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
