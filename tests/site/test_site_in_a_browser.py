"""A real browser opens the site, with all of its ways out leading here: it asks for nothing that is not the site's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from browser import browsing, needs_browser
from processes import eventually

#: A name that only the proxy below knows.
HOST = "site.test"


class _Proxy(SimpleHTTPRequestHandler):
    """Answers for every host out of one folder, and notes what was asked for."""

    asked: list[str]

    def __init__(self, *args: object, asked: list[str], directory: str) -> None:
        self.asked = asked
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.path = urlsplit(self.path).path
        super().do_GET()

    def do_CONNECT(self) -> None:
        self.asked.append(f"https://{self.path}")
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked for is noted above."""


@contextmanager
def proxied(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """The proxy's port, and what it was asked for so far."""
    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Proxy, asked=asked, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


@needs_browser
def test_a_browser_asks_for_nothing_elsewhere(site: Path, tmp_path: Path) -> None:
    with proxied(site) as (port, asked):
        options = (f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>")
        with browsing(f"http://{HOST}/index.html", tmp_path / "browser", *options):
            # What the theme asks for last, by a worker that its script has begun.
            eventually("the index of the search", lambda: f"http://{HOST}/search/search_index.json" in asked)
    assert any(each.endswith(".css") for each in asked)
    assert [each for each in asked if urlsplit(each).hostname != HOST] == []
