"""The page for people in a real browser, beside real daemons (docs/page.md).

With ``EXPORTER_SCREENSHOTS=1`` the pictures of the docs are made anew.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import Visit, driven, needs_browser
from control_api import api_of
from endpoints import Receiver
from events import Source
from harness import Place, SecretFile
from ports import free_port
from processes import WARM, eventually
from serving import connected, idle, post, serve, way_in

from exporter.daemon.workers.shard import Shard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser

TOKEN = "correct horse battery staple"
SCRIPT = "<script>alert(1)</script>"
#: What a partner answers to a profile that it does not like, and what one would that means harm.
CALM = json.dumps({"error": "this is no e-mail address", "field": "workEmail.address"})
HARMFUL = json.dumps({"error": f"{SCRIPT} is no e-mail address"})
PICTURES = Path(__file__).parents[3] / "docs/screenshots"
#: So long a page waits for what is to be seen; it is renewed every few seconds.
PATIENCE_MS = 60_000


class Partner(ThreadingHTTPServer):
    """An endpoint that answers every request with ``status`` and ``answer``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.status = 422
        self.answer = CALM

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/profiles"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Partner

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def partner() -> Iterator[Partner]:
    with Partner() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Running:
    """A daemon with a few destinations: one is well, one refuses, one is away, one is paused by an operator."""

    def __init__(self, place: Place, receiver: Receiver, refusing: Partner) -> None:
        self.place = place
        self.receiver = receiver
        self.refusing = refusing
        self.source = Source(profiles=20)
        token = place.folder / "token"
        token.write_text(TOKEN, encoding="utf-8")
        place.config["ops"]["token"] = SecretFile(str(token))
        key = {"x-api-key": "s3cret-of-the-partner"}
        place.destination("partner-crm", receiver.url, headers=key, description="Contacts and consent")
        never = {"pause_after_rejections": 0}
        place.destination("ads-network", refusing.url, delivery=never)
        place.destination("warehouse", f"http://127.0.0.1:{free_port()}/profiles")
        place.destination("loyalty", receiver.url)
        place.write()
        self.pause("loyalty", "the partner moves to another data centre")
        self.send(40)
        self.daemon = place.daemon().ready()
        self.url = f"http://127.0.0.1:{self.daemon.port}"

    def pause(self, name: str, why: str) -> None:
        """As an operator does, by the command."""
        done = self.place.command("pause", name, "--why", why)
        assert done.returncode == 0, done.stderr

    def send(self, count: int) -> None:
        """Put events on the queue."""
        self.place.send(self.source.make(count))

    def all_refused(self) -> bool:
        """Whether each event so far is a dead letter of the destination that refuses."""
        return self.daemon.metric("exporter_dead_letters", "ads-network") == len(self.source.made)

    def actions(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log on what was done to a destination by hand."""
        return [line for line in self.daemon.logs("action") if line["destination"] == name]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with driven() as browser:
        yield browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Place(tmp_path_factory.mktemp("page")) as place, partner() as refusing:
        yield Running(place, place.receiver(), refusing)


def signed_in(page: Page, onward: str = "/") -> None:
    """Sign in, as a person does."""
    page.goto("/sign-in")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.goto(onward)


def row(page: Page, name: str) -> Any:
    """The row of a destination in the list."""
    return page.locator("#rows tr", has=page.get_by_role("link", name=name, exact=True))


def sees(found: Any, text: str | re.Pattern[str]) -> None:
    """Wait until ``found`` says ``text``."""
    from playwright.sync_api import expect

    expect(found).to_contain_text(text, timeout=PATIENCE_MS)


def reloaded_until(page: Page, what: str, found: str, text: str) -> None:
    """Load a page without JavaScript anew until ``text`` stands in ``found``."""

    def there() -> bool:
        page.reload()
        return any(text in each for each in page.locator(found).all_text_contents())

    eventually(what, there)


def test_the_pictures_of_the_docs(browser: Browser, running: Running) -> None:
    with Visit(browser, running.url, viewport={"width": 1200, "height": 860}) as visit:
        page = visit.page
        signed_in(page, "/destinations/ads-network")
        running.send(20)
        sees(page.locator("#attempts"), "dead letter")
        sees(page.locator("#letters"), CALM)
        _picture(page, "destination")
        page.goto("/")
        sees(page.locator("#letters"), "rejected")
        _picture(page, "overview")


def _picture(page: Page, name: str) -> None:
    if os.environ.get("EXPORTER_SCREENSHOTS"):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def test_a_receiver_killed_and_back_is_seen_by_whoever_only_looks(browser: Browser, running: Running) -> None:
    running.pause("loyalty", f"the partner moves {SCRIPT}")
    with Visit(browser, running.url) as visit:
        page = visit.page
        page.goto("/")
        sees(row(page, "partner-crm"), "running")
        sees(row(page, "warehouse"), re.compile("unreachable.*next probe in.*connection refused", re.DOTALL))
        sees(row(page, "loyalty"), f"the partner moves {SCRIPT}")
        assert page.locator("#rows tbody th a").all_text_contents() == [
            "warehouse",
            "loyalty",
            "ads-network",
            "partner-crm",
        ]
        port = running.receiver.port
        running.receiver.kill()
        running.send(20)
        sees(row(page, "partner-crm"), re.compile("paused.*unreachable", re.DOTALL))
        sees(page.locator("#standings"), "2 failing")
        running.receiver = running.place.receiver("--port", str(port))
        sees(row(page, "partner-crm"), "running")
        assert page.get_by_role("link", name="Sign in").is_visible()
        assert "Last attempts" not in page.locator("main h2").all_text_contents()


def test_a_tab_that_nobody_sees_asks_for_nothing(browser: Browser, running: Running) -> None:
    seen = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    seen += " document.dispatchEvent(new Event('visibilitychange')); }"
    with Visit(browser, running.url) as visit:
        page = visit.page
        page.clock.install()
        page.goto("/")
        with page.expect_response(f"{running.url}/"):
            page.clock.run_for(6_000)
        page.evaluate(seen, True)
        sees(page.locator("#live"), "paused")
        asked = len(visit.asked)
        page.clock.run_for(600_000)
        assert len(visit.asked) == asked
        with page.expect_response(f"{running.url}/"):
            page.evaluate(seen, False)
        sees(page.locator("#live"), "live")


def test_a_replay_without_javascript(browser: Browser, running: Running) -> None:
    with Visit(browser, running.url, java_script_enabled=False) as visit:
        page = visit.page
        running.refusing.answer = HARMFUL
        running.send(10)
        # One that were delivered later would supersede the others of its profile, and keep them from being replayed.
        eventually("all are dead letters", running.all_refused)
        signed_in(page, "/destinations/ads-network")
        reloaded_until(page, "its letters stand there", "#letters", HARMFUL)
        assert HARMFUL in page.locator("#letters code.answer").all_text_contents()
        page.get_by_role("link", name="Replay dead letters").click()
        page.get_by_label("Reason").select_option("rejected")
        assert running.actions("ads-network") == []
        running.refusing.status = 200
        page.get_by_role("button", name="Replay dead letters").click()
        assert page.url == f"{running.url}/destinations/ads-network"
        assert "asked for" in page.get_by_role("status").inner_text()
        reloaded_until(page, "they were delivered", "#letters", "There are none.")
        running.refusing.status = 422
        [line] = running.actions("ads-network")
        assert (line["action"], line["by"], line["done"]) == ("replay", "page", True)
        [cookie] = visit.cookies
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert TOKEN not in cookie["value"]
        page.get_by_role("button", name="Sign out").click()
        page.goto("/destinations/ads-network")
        assert page.locator("#letters").count() == 0


def test_pause_resume_probe_and_a_test_event(browser: Browser, running: Running) -> None:
    with Visit(browser, running.url) as visit:
        page = visit.page
        signed_in(page, "/destinations/partner-crm")
        for action in ("Pause", "Resume", "Probe now", "Send a test event"):
            page.get_by_role("link", name=action).click()
            page.get_by_role("link", name="Cancel").click()
            page.get_by_role("link", name=action).click()
            page.get_by_role("button", name=action).click()
            assert page.get_by_role("status").is_visible()
        sees(page.locator("#attempts"), "test:")
        taken = [line["action"] for line in running.actions("partner-crm")]
        assert taken == ["pause", "resume", "probe", "test"]
        page.get_by_text("What is in force").click()
        sees(page.locator(".settings"), "headers.x-api-key")
        assert "s3cret" not in page.content()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(390, "light"), (390, "dark"), (768, "light"), (900, "dark"), (1041, "light"), (1200, "light"), (1200, "dark")],
)
def test_it_is_read_at_every_width(browser: Browser, running: Running, width: int, scheme: Any) -> None:
    with Visit(browser, running.url, viewport={"width": width, "height": 800}, color_scheme=scheme) as visit:
        page = visit.page
        signed_in(page)
        paths = ["/", "/?name=nobody", "/destinations/loyalty", "/destinations/nobody", "/sign-in"]
        paths += [f"/destinations/loyalty/confirm/{action}" for action in ("pause", "replay", "test")]
        for path in paths:
            page.goto(path)
            assert visit.fits(), path
        page.goto("/destinations/ads-network")
        page.get_by_text("What is in force").click()
        assert visit.fits()
        # The browser tells of each page that is not there.
        visit.wrong = [each for each in visit.wrong if "404" not in each]


def test_500_destinations_in_two_workers(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.config["ops"] = {"host": "127.0.0.1", "port": 0, "token": TOKEN}
        names = [f"partner-{number:03}" for number in range(500)]
        for name in names:
            place.destination(name, receiver.url)
        place.write()
        daemon = place.daemon(argv=(WARM, "run", "--workers", "2")).ready()
        with Visit(browser, f"http://127.0.0.1:{daemon.port}") as visit:
            page = visit.page
            page.goto("/")
            assert page.locator("#rows tbody th a").all_text_contents() == names
            assert visit.fits()
            page.get_by_label("Name").fill("PARTNER-49")
            page.get_by_label("State").select_option("running")
            page.get_by_role("button", name="Filter").click()
            assert page.locator("#rows tbody th a").all_text_contents() == names[490:]
            signed_in(page, "/?name=partner-49")
            place.send(Source(profiles=1).make(1))
            # Those at the top of the list, which both workers have.
            assert len({name in Shard(1, 2).owned(names) for name in names[490:493]}) == 2
            for name in names[490:493]:
                sees(page.locator("#attempts"), name)


def test_the_way_in_has_a_page_of_its_own(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.config["ops"]["token"] = TOKEN
        place.write()
        serving = serve(place).ready()
        with api_of(place) as api:
            api.flow_parts().flow(f"made {SCRIPT}", api.mapping_set(_acme__profile="id"))
        with connected(place) as connection:
            assert post(connection, {"id": "p1", "n": 1, "name": "Ada", "email": "a@example.com"})[0] == 200
            assert post(connection, {"n": 2, "name": "nobody in particular"})[0] == 200
        eventually("all is applied", lambda: idle(serving))
        with Visit(browser, f"http://127.0.0.1:{serving.port}", viewport={"width": 390, "height": 800}) as visit:
            page = visit.page
            page.goto("/")
            sees(page.locator("#numbers"), re.compile("Profiles1.*Bad records1", re.DOTALL))
            sees(page.locator("#flows"), "raw")
            sees(page.locator("#flows"), f"made {SCRIPT}")
            assert page.locator("#inlets").count() == 0
            assert visit.fits()
            signed_in(page)
            sees(page.locator("#inlets"), "667b41cf…")
            sees(page.locator("#bad"), "no_primary_identity")
            assert "667b41cf2" not in page.content()
            assert "in particular" not in page.content()
            assert visit.fits()
